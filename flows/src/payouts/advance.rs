//! What becomes of a payout after it was made: the bank is told, it arrives, or it comes back.

use domain::ApiError;
use domain::bank_account::BankAccount;
use domain::event::Transition;
use domain::payout::{FailureCode, Payout, Status};
use store::{DatabaseError, Statement, payouts};

use super::{MAX_TRIES, announce, books, load, plan};
use crate::bank_accounts::errored;
use crate::{Context, Failure, Platform};

/// Brings a payout to the next state that is due, as its bank account stands for.
///
/// # Errors
/// When the database does not answer.
pub async fn advance<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<(), Failure> {
    for _ in 0..MAX_TRIES {
        let (Some((payout, bank)), _) = load(context, id, Vec::new()).await? else { return Ok(()) };
        let fails = bank.details.fails;
        let next = match payout.status {
            Status::Pending => Status::InTransit,
            // This step may be asked for twice; the one after it must not come too early.
            Status::InTransit if context.now < payout.arrival_date => return Ok(()),
            Status::InTransit if fails.is_some() => Status::Failed,
            Status::InTransit => Status::Paid,
            _ => return Ok(()),
        };
        let code = fails.filter(|_| next == Status::Failed);
        if change(context, payout, Some(&bank), next, code).await?.is_some() {
            return Ok(());
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// A bank did not take a payout, or sent one back that had arrived. Nothing where it is over already.
///
/// # Errors
/// When the database does not answer.
pub async fn fail<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    code: FailureCode,
) -> Result<(), Failure> {
    for _ in 0..MAX_TRIES {
        let (Some((payout, bank)), _) = load(context, id, Vec::new()).await? else { return Ok(()) };
        if !payout.status.may_become(Status::Failed)
            || change(context, payout, Some(&bank), Status::Failed, Some(code)).await?.is_some()
        {
            return Ok(());
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Moves a payout on; one that did not arrive gives its money back to the balance, and what was to take it
/// back is stopped. Nothing when it changed meanwhile.
pub(super) async fn change<P: Platform>(
    context: &Context<'_, P>,
    before: Payout,
    bank: Option<&BankAccount>,
    next: Status,
    code: Option<FailureCode>,
) -> Result<Option<Payout>, Failure> {
    let (mut batch, payout) = moved(context, &before, next, code)?;
    if next == Status::Failed {
        // What a payout failed on must not be paid to again by a schedule.
        batch.extend(bank.map(|bank| errored(context, bank)).unwrap_or_default());
    }
    if next == Status::Failed
        && let Some(reversal) = &before.details.reversed_by
    {
        let found: Option<Payout> =
            context.find(payouts::find(&context.scope, reversal.as_str())).await?;
        if let Some(reversal) = found.filter(|found| found.status == Status::Pending) {
            batch.extend(moved(context, &reversal, Status::Canceled, None)?.0);
        }
    }
    match context.batch(batch).await {
        Ok(_) => Ok(Some(payout)),
        Err(DatabaseError::Guard(_) | DatabaseError::Exists(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The statements that move a payout on, and the payout as it is then.
fn moved<P: Platform>(
    context: &Context<'_, P>,
    before: &Payout,
    next: Status,
    code: Option<FailureCode>,
) -> Result<(Vec<Statement>, Payout), Failure> {
    let mut payout = before.clone();
    payout.status = next;
    payout.details.failure_code = code;
    let (transition, mut batch) = match next {
        Status::Paid => (Transition::PayoutPaid, books::arrived(context, &payout)?),
        Status::Failed => {
            (Transition::PayoutFailed, books::came_back(context, &mut payout, before.status)?)
        }
        Status::Canceled => {
            (Transition::PayoutCanceled, books::came_back(context, &mut payout, before.status)?)
        }
        Status::Pending | Status::InTransit => {
            (Transition::PayoutSubmitted, vec![plan(context, &payout, payout.arrival_date)])
        }
    };
    batch.extend(payouts::update(&mut payout));
    batch.extend(announce(context, transition, Some(before), &payout));
    Ok((batch, payout))
}
