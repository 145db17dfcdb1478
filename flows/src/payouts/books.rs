//! What payouts post to the ledger, in the batch that records why.

use domain::balance_transaction::{BalanceTransaction, Details, Kind};
use domain::ledger::{Balances, Transaction};
use domain::money::SignedAmount;
use domain::payout::{Payout, Status};
use domain::timestamp::{Day, Timestamp};
use store::{Statement, balance_transactions, ledger};

use crate::{Context, Failure, Platform};

fn balances<P: Platform>(context: &Context<'_, P>, payout: &Payout) -> Balances {
    Balances { merchant: context.scope.account.clone(), currency: payout.currency }
}

/// A payout left the balance; it is taken of what became available on each of these days. Notes on it
/// how that was booked.
///
/// # Errors
/// Never for amounts in range.
pub(super) fn left<P: Platform>(
    context: &Context<'_, P>,
    payout: &mut Payout,
    parts: &[(Day, SignedAmount)],
) -> Result<Vec<Statement>, Failure> {
    let cause = format!("{}:left", payout.id);
    let transaction = balances(context, payout).paid_out(cause.clone(), parts)?;
    let kind = if payout.automatic { Kind::AutomaticPayout } else { Kind::Payout };
    let seen = movement(context, payout, cause, (kind, payout.amount.negated(), context.now));
    payout.details.balance_transaction = Some(seen.id.clone());
    both(context, &transaction, &seen)
}

/// What the bank does not take of a payout stays: it is held back from the last day that the payout covers, so
/// that what it carries sums to it, and is there again today, for the next one.
///
/// # Errors
/// Never for amounts in range.
pub(super) fn kept_back<P: Platform>(
    context: &Context<'_, P>,
    payout: &Payout,
    rest: &[(Day, SignedAmount)],
    last: Day,
) -> Result<Vec<Statement>, Failure> {
    let sum = rest.iter().try_fold(SignedAmount::ZERO, |sum, (_, part)| sum.plus(*part))?;
    if sum.is_zero() {
        return Ok(Vec::new());
    }
    let (balances, today) = (balances(context, payout), context.now.day());
    let cause = format!("{}:held_back", payout.id);
    let held = balances.paid_out(cause.clone(), rest)?;
    let seen = movement(context, payout, cause, (Kind::PayoutHold, sum.negated(), last.start()));
    let mut statements = both(context, &held, &seen)?;
    let cause = format!("{}:released", payout.id);
    let released = balances.payout_stopped(cause.clone(), sum, (today, today))?;
    let seen = movement(context, payout, cause, (Kind::PayoutRelease, sum, context.now));
    statements.extend(both(context, &released, &seen)?);
    Ok(statements)
}

/// A payout takes back what another one carried. Notes on it how that was booked.
///
/// # Errors
/// Never for amounts in range.
pub(super) fn taken_back<P: Platform>(
    context: &Context<'_, P>,
    reversal: &mut Payout,
) -> Result<Vec<Statement>, Failure> {
    let cause = format!("{}:left", reversal.id);
    let taken_back = reversal.amount.negated();
    let days = (reversal.arrival_date.day(), context.now.day());
    let transaction =
        balances(context, reversal).payout_reversed(cause.clone(), taken_back, days)?;
    let kind = (Kind::PayoutReversal, taken_back, reversal.arrival_date);
    let seen = movement(context, reversal, cause, kind);
    reversal.details.balance_transaction = Some(seen.id.clone());
    both(context, &transaction, &seen)
}

/// The merchant's bank has it.
///
/// # Errors
/// Never for amounts in range.
pub(super) fn arrived<P: Platform>(
    context: &Context<'_, P>,
    payout: &Payout,
) -> Result<Vec<Statement>, Failure> {
    let cause = format!("{}:arrived", payout.id);
    let transaction = balances(context, payout).payout_arrived(cause, payout.amount)?;
    Ok(ledger::post(context.scope.livemode, &transaction, context.now))
}

/// It was stopped, or did not arrive; `from` is where it stood before. Notes on it how that was booked.
///
/// # Errors
/// Never for amounts in range.
pub(super) fn came_back<P: Platform>(
    context: &Context<'_, P>,
    payout: &mut Payout,
    from: Status,
) -> Result<Vec<Statement>, Failure> {
    let cause = format!("{}:came_back", payout.id);
    let balances = balances(context, payout);
    // What was to be taken back from the bank counts no sooner there than it would have.
    let available_on = match payout.details.original_payout {
        Some(_) => payout.arrival_date.max(context.now),
        None => context.now,
    };
    let days = (available_on.day(), context.now.day());
    let transaction = match from {
        Status::Paid => balances.payout_returned(cause.clone(), payout.amount, days)?,
        _ => balances.payout_stopped(cause.clone(), payout.amount, days)?,
    };
    let kind = match payout.status {
        Status::Canceled => Kind::PayoutCancel,
        _ => Kind::PayoutFailure,
    };
    let seen = movement(context, payout, cause, (kind, payout.amount, available_on));
    payout.details.failure_balance_transaction = Some(seen.id.clone());
    both(context, &transaction, &seen)
}

fn movement<P: Platform>(
    context: &Context<'_, P>,
    payout: &Payout,
    cause: String,
    (kind, amount, available_on): (Kind, SignedAmount, Timestamp),
) -> BalanceTransaction {
    let description = match kind {
        Kind::PayoutCancel => "STRIPE PAYOUT CANCEL",
        Kind::PayoutFailure => "STRIPE PAYOUT FAILURE",
        Kind::PayoutReversal => "STRIPE PAYOUT REVERSAL",
        Kind::PayoutHold => "STRIPE PAYOUT MINIMUM BALANCE HOLD",
        Kind::PayoutRelease => "STRIPE PAYOUT MINIMUM BALANCE RELEASE",
        _ => "STRIPE PAYOUT",
    };
    BalanceTransaction {
        id: BalanceTransaction::id_of(&cause),
        created: context.now,
        kind,
        currency: payout.currency,
        amount,
        fee: SignedAmount::ZERO,
        available_on,
        source: Some(payout.id.as_str().to_owned()),
        details: Details {
            description: Some(
                payout.details.description.clone().unwrap_or_else(|| description.to_owned()),
            ),
            cause,
            ..Details::default()
        },
    }
}

fn both<P: Platform>(
    context: &Context<'_, P>,
    transaction: &Transaction,
    seen: &BalanceTransaction,
) -> Result<Vec<Statement>, Failure> {
    let mut statements = ledger::post(context.scope.livemode, transaction, context.now);
    statements.push(balance_transactions::insert(&context.scope, seen)?);
    Ok(statements)
}
