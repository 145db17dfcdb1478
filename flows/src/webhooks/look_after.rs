//! Looking after an endpoint that fails: its owner is warned, and in the end it is disabled.

use domain::event::Transition;
use domain::webhook::{DISABLES_AFTER, Status, WARNS_AFTER, WebhookEndpoint};
use store::{DatabaseError, webhook_endpoints};

use super::round::{Made, Recipient};
use crate::announce::{Subjects, events};
use crate::{Context, Failure, Platform};

/// Looks after an endpoint of which some attempts have failed: wakes its object, warns its owner after a day, and disables it after three,
/// or at once where it is gone.
pub(super) async fn look_after<P: Platform>(
    platform: &P,
    recipient: &Recipient,
    made: &[Made],
) -> Result<(), Failure> {
    if made.iter().all(|made| made.outcome.is_success) {
        return Ok(());
    }
    let context = Context::unattended(platform, recipient.scope.clone());
    let mut endpoint = recipient.endpoint.clone();
    let since = endpoint.failing_since.unwrap_or(context.now);
    let fails_for = context.now.seconds().saturating_sub(since.seconds());
    // Its owner has time to mend it, also where the days before were quiet and nobody saw it fail.
    let warned_long_ago = endpoint
        .warned_at
        .is_some_and(|at| context.now >= at.plus(DISABLES_AFTER.saturating_sub(WARNS_AFTER)));
    let is_gone = made.iter().any(|made| made.outcome.is_gone);
    let fails = made.iter().any(|made| made.outcome.counts_against())
        && !made.iter().any(|made| made.outcome.is_success);
    let transition = if is_gone || fails && fails_for >= DISABLES_AFTER && warned_long_ago {
        endpoint.status = Status::Disabled;
        let because = if is_gone { "gone" } else { "failing" };
        endpoint.details.disabled_because = Some(because.to_owned());
        Transition::WebhookEndpointDisabled
    } else if fails && fails_for >= WARNS_AFTER && endpoint.warned_at.is_none() {
        endpoint.warned_at = Some(context.now);
        Transition::WebhookEndpointFailing
    } else {
        return wake(platform, &endpoint).await;
    };
    let mut batch = webhook_endpoints::update(&mut endpoint).to_vec();
    if let Some(at) = endpoint.warned_at {
        batch.push(webhook_endpoints::warn(endpoint.id.as_str(), at));
    }
    let subjects = Subjects { webhook_endpoint: Some(&endpoint), ..Subjects::default() };
    batch.extend(events(&context, transition, subjects, None));
    match context.batch(batch).await {
        // Its owner changed it meanwhile; the next attempt decides again.
        Ok(_) | Err(DatabaseError::Guard(_)) => wake(platform, &endpoint).await,
        Err(error) => Err(error.into()),
    }
}

async fn wake<P: Platform>(platform: &P, endpoint: &WebhookEndpoint) -> Result<(), Failure> {
    Ok(platform.wake_endpoint(endpoint.id.as_str()).await?)
}
