//! Updating an endpoint: where deliveries go, of which events, and whether at all.

use domain::metadata::MetadataUpdate;
use domain::webhook::{Status, WebhookEndpoint};
use domain::{ApiError, Patch};
use store::{DatabaseError, webhook_endpoints};

use super::{MAX_TRIES, check_url, find};
use crate::{Context, Failure, Platform};

/// What is to change.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// Where to.
    pub url: Option<String>,
    /// Of which events.
    pub enabled_events: Option<Vec<String>>,
    /// Whether it hears of nothing.
    pub disabled: Option<bool>,
    /// For people.
    pub description: Patch<String>,
    /// Changes to the merchant's own pairs.
    pub metadata: Option<MetadataUpdate>,
}

/// Updates an endpoint.
///
/// # Errors
/// When there is none, or deliveries must not go there.
pub async fn update<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    update: &Update,
) -> Result<WebhookEndpoint, Failure> {
    if let Some(url) = &update.url {
        check_url(context, url)?;
    }
    change(context, id, &|endpoint| Ok(apply(update, endpoint)?)).await
}

/// What a change does to an endpoint, as it is found.
type Change<'c> = &'c dyn Fn(&mut WebhookEndpoint) -> Result<(), Failure>;

/// Changes an endpoint, and decides anew where somebody else changed it meanwhile.
pub(super) async fn change<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    apply: Change<'_>,
) -> Result<WebhookEndpoint, Failure> {
    for _ in 0..MAX_TRIES {
        let before = find(context, id).await?;
        let mut after = before.clone();
        apply(&mut after)?;
        if after == before {
            return Ok(after);
        }
        let mut batch = webhook_endpoints::update(&mut after).to_vec();
        if before.status == Status::Disabled && after.status == Status::Enabled {
            // Whoever enables it has mended it: its failures are forgotten.
            batch.push(webhook_endpoints::recover(id));
            (after.failing_since, after.warned_at) = (None, None);
        }
        match context.batch(batch).await {
            Ok(_) => return Ok(after),
            Err(DatabaseError::Guard(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

fn apply(update: &Update, endpoint: &mut WebhookEndpoint) -> Result<(), ApiError> {
    let details = &mut endpoint.details;
    if let Some(url) = &update.url {
        endpoint.url.clone_from(url);
    }
    if let Some(events) = &update.enabled_events {
        details.enabled_events.clone_from(events);
    }
    update.description.clone().apply_to(&mut details.description);
    if let Some(update) = &update.metadata {
        details.metadata = details.metadata.updated(update)?;
    }
    match update.disabled {
        Some(true) => endpoint.status = Status::Disabled,
        Some(false) if endpoint.status == Status::Disabled => {
            endpoint.status = Status::Enabled;
            details.disabled_because = None;
        }
        Some(false) | None => {}
    }
    Ok(())
}
