//! What becomes of a top-up: the bank gives the money or refuses, the merchant stops it, or the bank takes
//! the money back.

use domain::ApiError;
use domain::event::Transition;
use domain::payout::FailureCode;
use domain::topup::{Status, Topup};
use store::{DatabaseError, topups};

use super::{MAX_TRIES, announce, find};
use crate::transfers::Update;
use crate::{Context, Failure, Platform, ledger};

/// Brings a top-up to what its bank account stands for.
///
/// # Errors
/// When the database does not answer.
pub async fn settle<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<(), Failure> {
    end(context, id, |topup| match topup.details.fails {
        Some(code) => (Status::Failed, Some(code)),
        None => (Status::Succeeded, None),
    })
    .await
}

/// The bank refuses, or takes back what it gave. Nothing where it is over already.
///
/// # Errors
/// When the database does not answer.
pub async fn fail<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    code: FailureCode,
) -> Result<(), Failure> {
    end(context, id, |topup| match topup.status {
        Status::Succeeded => (Status::Reversed, Some(code)),
        _ => (Status::Failed, Some(code)),
    })
    .await
}

async fn end<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    ending: impl Fn(&Topup) -> (Status, Option<FailureCode>),
) -> Result<(), Failure> {
    for _ in 0..MAX_TRIES {
        let topup: Option<Topup> = context.find(topups::find(&context.scope, id)).await?;
        let Some(topup) = topup else { return Ok(()) };
        let (next, code) = ending(&topup);
        if !topup.status.may_become(next) || change(context, topup, next, code).await?.is_some() {
            return Ok(());
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Stops a top-up that the bank has not answered yet.
///
/// # Errors
/// When there is none, or the bank answered.
pub async fn cancel<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Topup, Failure> {
    for _ in 0..MAX_TRIES {
        let topup = find(context, id).await?;
        // A run of this request that died after its only batch has left it as it was to be.
        if context.resumes && topup.status == Status::Canceled {
            return Ok(topup);
        }
        if !topup.status.may_become(Status::Canceled) {
            let status = topup.status.name();
            return Err(ApiError::StateConflict {
                message: format!(
                    "You cannot cancel this top-up because it has a status of {status}. Only a \
                     top-up with a status of pending may be canceled."
                ),
            }
            .into());
        }
        if let Some(topup) = change(context, topup, Status::Canceled, None).await? {
            return Ok(topup);
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Moves a top-up on, with its money. Nothing when it changed meanwhile.
async fn change<P: Platform>(
    context: &Context<'_, P>,
    before: Topup,
    next: Status,
    code: Option<FailureCode>,
) -> Result<Option<Topup>, Failure> {
    let mut topup = before.clone();
    topup.status = next;
    topup.details.failure_code = code;
    let (transition, mut batch) = match next {
        Status::Succeeded => {
            context.platform.wake(context.now);
            (Transition::TopupSucceeded, ledger::topped_up(context, &mut topup, false)?)
        }
        Status::Reversed => {
            (Transition::TopupReversed, ledger::topped_up(context, &mut topup, true)?)
        }
        Status::Canceled => (Transition::TopupCanceled, Vec::new()),
        Status::Failed | Status::Pending => (Transition::TopupFailed, Vec::new()),
    };
    batch.extend(topups::update(&mut topup));
    batch.extend(announce(context, transition, Some(&before), &topup));
    match context.batch(batch).await {
        Ok(_) => Ok(Some(topup)),
        Err(DatabaseError::Guard(_) | DatabaseError::Exists(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Updates what a top-up says of itself, of which nobody is told.
///
/// # Errors
/// When there is none, or the pairs break a bound.
pub async fn update<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    update: &Update,
) -> Result<Topup, Failure> {
    for _ in 0..MAX_TRIES {
        let before = find(context, id).await?;
        let mut after = before.clone();
        let details = &mut after.details;
        update.apply_to(&mut details.description, &mut details.metadata)?;
        if after == before {
            return Ok(after);
        }
        match context.batch(topups::update(&mut after).to_vec()).await {
            Ok(_) => return Ok(after),
            Err(DatabaseError::Guard(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}
