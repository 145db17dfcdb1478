//! Deleting an endpoint: nothing more is sent there.

use domain::ApiError;
use domain::timestamp::DAY;
use domain::webhook::{Status, WebhookEndpoint};
use store::{DatabaseError, webhook_endpoints};

use super::{MAX_TRIES, no_such};
use crate::archive::FORGETS;
use crate::{Context, Failure, Platform};

/// Deletes an endpoint. One that was deleted before is deleted: a client whose answer was lost asks
/// again, without a key by which it could be told from anyone else. The row stays for as long as what is known of
/// its deliveries, and for a day where there are none.
///
/// # Errors
/// When there is none.
pub async fn delete<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<WebhookEndpoint, Failure> {
    for _ in 0..MAX_TRIES {
        let found: Option<WebhookEndpoint> =
            context.find(webhook_endpoints::find(&context.scope, id)).await?;
        let mut endpoint = found.ok_or_else(|| no_such(id))?;
        if endpoint.status == Status::Deleted {
            return Ok(endpoint);
        }
        endpoint.status = Status::Deleted;
        // Nobody needs its secrets any more.
        endpoint.details.secrets.clear();
        let mut batch = webhook_endpoints::update(&mut endpoint).to_vec();
        let (id, sooner) = (endpoint.id.as_str(), FORGETS.saturating_sub(DAY));
        batch.push(webhook_endpoints::mark_deleted(id, context.now, sooner));
        match context.batch(batch).await {
            Ok(_) => return Ok(endpoint),
            Err(DatabaseError::Guard(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}
