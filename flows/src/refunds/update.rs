//! Updating a refund: the merchant's own pairs change, no money moves.

use domain::ApiError;
use domain::event::Transition;
use domain::metadata::MetadataUpdate;
use domain::refund::Refund;
use store::{DatabaseError, refunds};

use super::{announce, find};
use crate::{Context, Failure, Platform};

/// How often an update is decided anew because the refund changed meanwhile.
const MAX_TRIES: usize = 5;

/// Updates a refund. An update that changes nothing is no change: nobody is told of it.
///
/// # Errors
/// When there is none, or the pairs break a bound.
pub async fn update<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    metadata: Option<&MetadataUpdate>,
) -> Result<Refund, Failure> {
    for _ in 0..MAX_TRIES {
        let before = find(context, id).await?;
        let mut after = before.clone();
        if let Some(update) = metadata {
            after.details.metadata = before.details.metadata.updated(update)?;
        }
        if after == before {
            return Ok(after);
        }
        let mut batch = refunds::update(&mut after).to_vec();
        batch.extend(announce(context, Transition::RefundUpdated, &before, &after));
        match context.batch(batch).await {
            Ok(_) => return Ok(after),
            // The events are there: an earlier run of this request has made the change.
            Err(DatabaseError::Exists(_)) => return find(context, id).await,
            Err(DatabaseError::Guard(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}
