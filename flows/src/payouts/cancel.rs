//! Stopping a payout before the bank is told of it.

use domain::ApiError;
use domain::payout::{Payout, Status};

use super::advance::change;
use super::{MAX_TRIES, find};
use crate::{Context, Failure, Platform};

/// Stops a payout that has not left yet.
///
/// # Errors
/// When there is none, the account's schedule made it, or it left already.
pub async fn cancel<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Payout, Failure> {
    for _ in 0..MAX_TRIES {
        let payout = find(context, id).await?;
        // A run of this request that died after its only batch has left it as it was to be.
        if context.resumes && payout.status == Status::Canceled {
            return Ok(payout);
        }
        if payout.status != Status::Pending || payout.automatic {
            return Err(ApiError::StateConflict { message: refusal(&payout) }.into());
        }
        if let Some(payout) = change(context, payout, None, Status::Canceled, None).await? {
            return Ok(payout);
        }
    }
    Err(ApiError::LockTimeout.into())
}

fn refusal(payout: &Payout) -> String {
    if payout.automatic {
        return "You cannot cancel this payout because it was made automatically.".to_owned();
    }
    format!(
        "You cannot cancel this payout because it has a status of {}. Only a payout with a status of \
         pending may be canceled.",
        payout.status.name()
    )
}
