//! Updating a transfer or a reversal: what it says of itself changes, no money moves.

use domain::event::Transition;
use domain::metadata::MetadataUpdate;
use domain::transfer::{Transfer, TransferReversal};
use domain::{ApiError, Metadata, Patch};
use store::{DatabaseError, transfers};

use super::{MAX_TRIES, announce, find, find_reversal};
use crate::{Context, Failure, Platform};

/// What is to be changed of what an object says of itself.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// For people.
    pub description: Patch<String>,
    /// The merchant's own pairs.
    pub metadata: Option<MetadataUpdate>,
}

impl Update {
    /// Carries it out.
    ///
    /// # Errors
    /// When the pairs break a bound.
    pub(crate) fn apply_to(
        &self,
        description: &mut Option<String>,
        metadata: &mut Metadata,
    ) -> Result<(), ApiError> {
        self.description.clone().apply_to(description);
        if let Some(update) = &self.metadata {
            *metadata = metadata.updated(update)?;
        }
        Ok(())
    }
}

/// Updates a transfer. An update that changes nothing is no change: nobody is told of it.
///
/// # Errors
/// When there is none, or the pairs break a bound.
pub async fn update<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    update: &Update,
) -> Result<Transfer, Failure> {
    for _ in 0..MAX_TRIES {
        let before = find(context, id).await?;
        let mut after = before.clone();
        let details = &mut after.details;
        update.apply_to(&mut details.description, &mut details.metadata)?;
        if after == before || written(context, &before, &mut after, None).await? {
            return Ok(after);
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Updates a reversal, and how its transfer shows it.
///
/// # Errors
/// When there is none, or the pairs break a bound.
pub async fn update_reversal<P: Platform>(
    context: &Context<'_, P>,
    transfer: &str,
    id: &str,
    update: &Update,
) -> Result<TransferReversal, Failure> {
    for _ in 0..MAX_TRIES {
        // The transfer is read first: what the reversal is after that, its version guards.
        let before = find(context, transfer).await?;
        let old = find_reversal(context, transfer, id).await?;
        let mut new = old.clone();
        update.apply_to(&mut new.description, &mut new.metadata)?;
        let mut after = before.clone();
        if before.details.reversals.iter().any(|shown| shown.id == new.id) {
            after.show(&new);
        }
        if new == old || written(context, &before, &mut after, Some(&new)).await? {
            return Ok(new);
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Writes a change, unless the transfer changed meanwhile.
async fn written<P: Platform>(
    context: &Context<'_, P>,
    before: &Transfer,
    after: &mut Transfer,
    reversal: Option<&TransferReversal>,
) -> Result<bool, Failure> {
    let mut batch = transfers::update(after).to_vec();
    batch.extend(reversal.map(transfers::update_reversal));
    batch.extend(announce(context, Transition::TransferUpdated, Some(before), after));
    match context.batch(batch).await {
        Ok(_) => Ok(true),
        Err(DatabaseError::Guard(_)) => Ok(false),
        // The event is there: an earlier run of this request has made the change.
        Err(DatabaseError::Exists(_)) => {
            *after = find(context, before.id.as_str()).await?;
            Ok(true)
        }
        Err(error) => Err(error.into()),
    }
}
