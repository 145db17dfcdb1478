//! How an endpoint is delivered to, how that fares, and the secrets that sign.

use domain::webhook::{Health, MOST_SECRETS, WebhookEndpoint};
use domain::{ApiError, Patch};
use store::webhook_endpoints;

use super::secrets;
use super::update::change;
use crate::{Context, Failure, Platform};

/// What is to change.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Whether an object's events arrive in sequence.
    pub is_ordered: Option<bool>,
    /// How many deliveries it takes at the same time.
    pub max_concurrency: Patch<i64>,
    /// How many deliveries it takes in a second.
    pub max_per_second: Patch<i64>,
}

/// Changes how an endpoint is delivered to. It holds for what is planned from now on.
///
/// # Errors
/// When there is none.
pub async fn set<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    settings: &Settings,
) -> Result<WebhookEndpoint, Failure> {
    let apply = |endpoint: &mut WebhookEndpoint| {
        let details = &mut endpoint.details;
        details.is_ordered = settings.is_ordered.unwrap_or(details.is_ordered);
        settings.max_concurrency.apply_to(&mut details.max_concurrency);
        settings.max_per_second.apply_to(&mut details.max_per_second);
        Ok(())
    };
    let endpoint = change(context, id, &apply).await?;
    // Its object gives back an endpoint that wants nothing particular any more.
    context.platform.wake_endpoint(id).await?;
    Ok(endpoint)
}

/// Has a new secret sign, which is told now and never again. The one before goes on signing beside it for some
/// seconds, and so do older ones until their time is over.
///
/// # Errors
/// When there is no such endpoint, or as many secrets sign as may.
pub async fn roll<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    overlap: i64,
) -> Result<(WebhookEndpoint, String), Failure> {
    let secret = secrets::new(context);
    let sealed = secrets::seal(context, &secret)?;
    let apply = |endpoint: &mut WebhookEndpoint| {
        // An earlier run of this request has done it, whoever has rolled it since.
        let live = secrets::live(context.platform, &context.scope, endpoint);
        if live.contains(&secret) {
            return Ok(());
        }
        if overlap > 0 && endpoint.live_secrets(context.now).count() >= MOST_SECRETS {
            let message = format!(
                "{MOST_SECRETS} secrets of this endpoint sign already. Wait until one has ended, or roll without an overlap."
            );
            return Err(ApiError::StateConflict { message }.into());
        }
        endpoint.roll(sealed.clone(), overlap, context.now);
        Ok(())
    };
    Ok((change(context, id, &apply).await?, secret))
}

/// Finds how an endpoint's deliveries fare.
///
/// # Errors
/// When the database does not answer.
pub async fn health<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Health, Failure> {
    Ok(context.find(webhook_endpoints::health(id)).await?.unwrap_or_default())
}
