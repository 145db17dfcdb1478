//! Updating a payout: the merchant's own pairs change, no money moves.

use domain::ApiError;
use domain::event::Transition;
use domain::metadata::MetadataUpdate;
use domain::payout::Payout;
use store::{DatabaseError, payouts};

use super::{MAX_TRIES, announce, find};
use crate::{Context, Failure, Platform};

/// Updates a payout. An update that changes nothing is no change: nobody is told of it.
///
/// # Errors
/// When there is none, or the pairs break a bound.
pub async fn update<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    metadata: Option<&MetadataUpdate>,
) -> Result<Payout, Failure> {
    for _ in 0..MAX_TRIES {
        let before = find(context, id).await?;
        let mut after = before.clone();
        if let Some(update) = metadata {
            after.details.metadata = before.details.metadata.updated(update)?;
        }
        if after == before {
            return Ok(after);
        }
        let mut batch = payouts::update(&mut after).to_vec();
        batch.extend(announce(context, Transition::PayoutUpdated, Some(&before), &after));
        match context.batch(batch).await {
            Ok(_) => return Ok(after),
            // The event is there: an earlier run of this request has made the change.
            Err(DatabaseError::Exists(_)) => return find(context, id).await,
            Err(DatabaseError::Guard(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}
