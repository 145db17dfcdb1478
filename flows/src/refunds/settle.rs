//! What becomes of a refund after it left: it arrives, it comes back, or it is stopped.

use connectors::Later;
use domain::ApiError;
use domain::attempt::Resolved;
use domain::charge::Charge;
use domain::event::Transition;
use domain::refund::{Refund, Status};
use store::{DatabaseError, attempts, charges, refunds};

use super::{announce, no_such};
use crate::context::first;
use crate::{Context, Failure, Platform};
use crate::{ledger, operations};

/// How often a change is decided anew because the refund or its charge changed meanwhile.
const MAX_TRIES: usize = 10;

/// Brings a refund that is on its way to its end: the one that the simulator's card stands for, or the one that
/// its processor tells. Returns it where it is still on its way.
///
/// # Errors
/// When the database does not answer.
pub async fn settle<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<Option<Refund>, Failure> {
    for _ in 0..MAX_TRIES {
        let Some((refund, charge)) = load(context, id).await? else { return Ok(None) };
        let (next, why) = match (
            charge.details.later.as_deref().and_then(Later::from_name),
            &refund.details.attempt,
        ) {
            (Some(Later::RefundPends), _) => (Status::Succeeded, None),
            (Some(Later::RefundFails), _) => {
                (Status::Failed, Some("expired_or_canceled_card".to_owned()))
            }
            (_, Some(attempt)) if refund.is_on_its_way() => {
                match operations::refund_status(context, attempt).await? {
                    Some(next) => next,
                    None => return Ok(Some(refund)),
                }
            }
            _ => return Ok(None),
        };
        if !refund.status.may_become(next)
            || change(context, refund, charge, next, why.as_deref(), None).await?.is_some()
        {
            return Ok(None);
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Brings a refund that is on its way to the end that a person found, and notes who that was. Says no where it came to that
/// end before.
///
/// # Errors
/// When it came to another end, somebody else changes it all the time, or the database does not answer.
pub(crate) async fn conclude<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    end: Status,
    resolved: &Resolved,
) -> Result<bool, Failure> {
    for _ in 0..MAX_TRIES {
        let Some((refund, charge)) = load(context, id).await? else { return Ok(false) };
        if refund.status == end {
            return Ok(false);
        }
        if !refund.is_on_its_way() {
            let message = format!("The refund has a status of {}.", refund.status.name());
            return Err(ApiError::StateConflict { message }.into());
        }
        if change(context, refund, charge, end, None, Some(resolved)).await?.is_some() {
            return Ok(true);
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Stops a refund that waits for its customer.
///
/// # Errors
/// When there is none, or it left already.
pub async fn cancel<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Refund, Failure> {
    for _ in 0..MAX_TRIES {
        let Some((refund, charge)) = load(context, id).await? else {
            return Err(no_such(id).into());
        };
        // A run of this request that died after its only batch has left it as it was to be.
        if context.resumes && refund.status == Status::Canceled {
            return Ok(refund);
        }
        if refund.status != Status::RequiresAction {
            return Err(ApiError::StateConflict {
                message: format!(
                    "You cannot cancel this Refund because it has a status of {}. Only a Refund \
                     with a status of requires_action may be canceled.",
                    refund.status.name()
                ),
            }
            .into());
        }
        let status = match &refund.details.attempt {
            Some(attempt) => operations::cancel_refund(context, attempt).await?,
            None => Status::Canceled,
        };
        // It may have left meanwhile.
        if !refund.status.may_become(status) {
            return Err(ApiError::LockTimeout.into());
        }
        match change(context, refund, charge, status, None, None).await? {
            Some(refund) if status == Status::Canceled => return Ok(refund),
            _ => {}
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Brings a refund to where its processor says that it stands; what it may not become any more changes nothing.
///
/// # Errors
/// When somebody else changes it all the time, or the database does not answer.
pub(crate) async fn told<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    status: Status,
    why: Option<String>,
) -> Result<(), Failure> {
    for _ in 0..MAX_TRIES {
        let Some((refund, charge)) = load(context, id).await? else { return Ok(()) };
        if !refund.status.may_become(status)
            || change(context, refund, charge, status, why.as_deref(), None).await?.is_some()
        {
            return Ok(());
        }
    }
    Err(ApiError::LockTimeout.into())
}

async fn load<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<Option<(Refund, Charge)>, Failure> {
    let results = context
        .batch(vec![refunds::find(&context.scope, id), charges::find_of_refund(&context.scope, id)])
        .await?;
    Ok(first(&results, 0)?.zip(first(&results, 1)?))
}

/// Moves a refund on; one that did not arrive gives its money back to the charge, and nobody has to look at one that ended.
/// Nothing when either changed meanwhile.
async fn change<P: Platform>(
    context: &Context<'_, P>,
    before: Refund,
    mut charge: Charge,
    next: Status,
    why: Option<&str>,
    resolved: Option<&Resolved>,
) -> Result<Option<Refund>, Failure> {
    let mut refund = before.clone();
    refund.status = next;
    let transition = match next {
        Status::Failed => Transition::RefundFailed,
        Status::Canceled => Transition::RefundCanceled,
        Status::RequiresAction => Transition::RefundUpdated,
        _ => Transition::RefundSucceeded,
    };
    let mut booked = Vec::new();
    if matches!(next, Status::Failed | Status::Canceled) {
        if next == Status::Failed {
            let why = why.unwrap_or("unknown");
            refund.details.failure_reason = Some(why.to_owned());
        }
        charge.return_refund(refund.amount.amount, refund.details.fee_returned)?;
        booked.extend(ledger::refund_failed(context, &charge, &mut refund)?);
        booked.extend(charges::update(&mut charge));
    }
    // First: whoever was faster has booked the same, and its guard says so.
    let mut batch = refunds::update(&mut refund).to_vec();
    batch.extend(booked);
    batch.extend(announce(context, transition, &before, &refund));
    if let Some(attempt) = refund.details.attempt.as_ref().filter(|_| !refund.is_on_its_way()) {
        // Without its guard: mostly nobody had to look.
        let [unpark, _] = attempts::resolve(attempt, resolved);
        batch.push(unpark);
    }
    match context.change(batch).await {
        Ok(_) => Ok(Some(refund)),
        Err(DatabaseError::Guard(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
