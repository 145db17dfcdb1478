//! Bookkeeping: what an operation posts to the ledger, in the batch that records the operation.
//!
//! Each function returns statements for that batch, so that money and books change together or not at
//! all. Nothing is read: what a posting needs is on the charge, the refund or the attempt.

use connectors::{Later, simulator};
use domain::attempt::Attempt;
use domain::balance_transaction::{BalanceTransaction, Details, FeeDetail, FeeKind, Kind};
use domain::charge::Charge;
use domain::dispute::Dispute;
use domain::ledger::{Balances, Captured, Dates, Draft, Hold, Processor, Returned, Transaction};
use domain::money::{Amount, Currency, Money, SignedAmount};
use domain::pricing::Terms;
use domain::refund::Refund;
use domain::timestamp::{Day, Timestamp};
use domain::topup::Topup;
use store::{Statement, balance_transactions, ledger};

use crate::{Context, Failure, Platform};

fn balances<P: Platform>(context: &Context<'_, P>, currency: Currency) -> Balances {
    Balances { merchant: context.scope.account.clone(), currency }
}

/// Who moved a charge's money: an account at a processor has books of its own.
fn processor(charge: &Charge) -> Processor {
    let account = charge.details.booked.processor.as_ref();
    let name = account.map_or(simulator::NAME, |account| account.as_str()).to_owned();
    Processor { name, currency: charge.amount.currency }
}

fn hold<P: Platform>(context: &Context<'_, P>, charge: &Charge) -> Hold {
    Hold { balances: balances(context, charge.amount.currency), processor: processor(charge) }
}

fn post<P: Platform>(context: &Context<'_, P>, transaction: &Transaction) -> Vec<Statement> {
    ledger::post(context.scope.livemode, transaction, context.now)
}

/// A card holds (more) money.
///
/// # Errors
/// Never for amounts in range.
pub fn held<P: Platform>(
    context: &Context<'_, P>,
    attempt: &Attempt,
    charge: &Charge,
    more: Amount,
) -> Result<Vec<Statement>, Failure> {
    let draft = Draft::new(format!("{}:held", attempt.id));
    let transaction = hold(context, charge).placed(draft, more).close()?;
    Ok(post(context, &transaction))
}

/// Held money was let go of.
///
/// # Errors
/// Never for amounts in range.
pub fn released<P: Platform>(
    context: &Context<'_, P>,
    attempt: &Attempt,
    charge: &Charge,
    amount: Amount,
) -> Result<Vec<Statement>, Failure> {
    let draft = Draft::new(format!("{}:released", attempt.id));
    let transaction = hold(context, charge).resolved(draft, amount).close()?;
    Ok(post(context, &transaction))
}

/// Money was taken from a card: `taken` of it, out of `resolved` that were held before (nothing where it
/// was taken at once). Notes on the charge how it was booked.
///
/// # Errors
/// Never for amounts in range.
pub fn captured<P: Platform>(
    context: &Context<'_, P>,
    attempt: &Attempt,
    charge: &mut Charge,
    terms: &Terms,
    (taken, resolved): (Amount, Amount),
) -> Result<Vec<Statement>, Failure> {
    let currency = charge.amount.currency;
    let paid = Money { amount: taken, currency };
    let fee = terms.plan.fee(paid);
    let application_fee = application_fee(charge, taken.minus(fee)?);
    let available_at = match charge.details.later.as_deref().and_then(Later::from_name) {
        Some(Later::AvailableAtOnce) => context.now,
        _ => terms.available_at(context.now),
    };
    if available_at <= context.now {
        context.platform.wake(context.now);
    }
    let settles_on = context.now.day().plus(simulator::SETTLES_AFTER_DAYS);
    let captured = Captured {
        paid,
        settled: paid,
        fee,
        application_fee,
        dates: Dates { today: context.now.day(), available_on: available_at.day(), settles_on },
    };
    let cause = format!("{}:captured", attempt.id);
    let draft = hold(context, charge).resolved(Draft::new(cause.clone()), resolved);
    let transaction = captured.post(draft, &context.scope.account, &processor(charge).name)?;
    let seen = BalanceTransaction {
        id: BalanceTransaction::id_of(&cause),
        created: context.now,
        kind: Kind::Charge,
        currency,
        amount: taken.into(),
        fee: SignedAmount::from(fee).plus(application_fee.into())?,
        available_on: available_at,
        source: Some(charge.id.as_str().to_owned()),
        details: Details {
            description: charge.details.description.clone(),
            fee_details: fee_details(fee.into(), application_fee.into()),
            price_plan: Some(terms.plan.version),
            cause,
            ..Details::default()
        },
    };
    let booked = &mut charge.details.booked;
    booked.balance_transaction = Some(seen.id.clone());
    booked.fee = booked.fee.plus(fee)?;
    booked.application_fee = booked.application_fee.plus(application_fee)?;
    booked.on_refund = terms.plan.on_refund;
    booked.dispute_fee = terms.plan.dispute_fee(currency);
    booked.price_plan = Some(terms.plan.version);
    booked.available_on = available_at;
    booked.settles_on = settles_on;
    let mut statements = post(context, &transaction);
    statements.push(balance_transactions::insert(&context.scope, &seen)?);
    Ok(statements)
}

/// What of the merchant's platform's fee is still due, and covered by what is left of the capture.
fn application_fee(charge: &Charge, left: Amount) -> Amount {
    let asked = charge.details.application_fee_amount.unwrap_or_default();
    let asked = charge.amount.currency.nearest(i128::from(asked), 1);
    asked.minus(charge.details.booked.application_fee).unwrap_or(Amount::ZERO).min(left)
}

fn fee_details(fee: SignedAmount, application_fee: SignedAmount) -> Vec<FeeDetail> {
    let parts = [(fee, FeeKind::StripeFee), (application_fee, FeeKind::ApplicationFee)];
    parts
        .into_iter()
        .filter(|(amount, _)| !amount.is_zero())
        .map(|(amount, kind)| FeeDetail { amount, kind })
        .collect()
}

/// Where and when a refund of a charge counts. It is available (to be missed) no sooner than the charge:
/// what a merchant gave back never drags down what is available for other reasons.
fn returned<P: Platform>(context: &Context<'_, P>, charge: &Charge) -> (Returned, Timestamp) {
    let today = context.now.day();
    let booked = &charge.details.booked;
    let available_at = booked.available_on.max(context.now);
    let next_settlement: Day = today.plus(simulator::SETTLES_AFTER_DAYS);
    let returned = Returned {
        balances: balances(context, charge.amount.currency),
        processor: processor(charge),
        dates: Dates { today, available_on: available_at.day(), settles_on: next_settlement },
    };
    (returned, available_at)
}

/// A refund left for the card. Notes on the refund how it was booked.
///
/// # Errors
/// Never for amounts in range.
pub fn refunded<P: Platform>(
    context: &Context<'_, P>,
    charge: &Charge,
    refund: &mut Refund,
) -> Result<Vec<Statement>, Failure> {
    let cause = format!("{}:left", refund.id);
    let amount = refund.amount.amount;
    let fee_returned = refund.details.fee_returned;
    let (returned, available_on) = returned(context, charge);
    let transaction = returned.refunded(cause.clone(), amount, fee_returned)?;
    let moved = [amount, fee_returned].map(|amount| SignedAmount::from(amount).negated());
    let description = described("REFUND FOR CHARGE", charge);
    let seen = of_refund(context, refund, (Kind::Refund, moved), available_on, description, cause);
    refund.details.balance_transaction = Some(seen.id.clone());
    let mut statements = post(context, &transaction);
    statements.push(balance_transactions::insert(&context.scope, &seen)?);
    Ok(statements)
}

/// A refund came back, or was stopped. Notes on the refund how that was booked.
///
/// # Errors
/// Never for amounts in range.
pub fn refund_failed<P: Platform>(
    context: &Context<'_, P>,
    charge: &Charge,
    refund: &mut Refund,
) -> Result<Vec<Statement>, Failure> {
    let cause = format!("{}:came_back", refund.id);
    let amount = refund.amount.amount;
    let fee_returned = refund.details.fee_returned;
    let (returned, available_on) = returned(context, charge);
    let transaction = returned.refund_failed(cause.clone(), amount, fee_returned)?;
    let moved = [amount, fee_returned].map(SignedAmount::from);
    let description = described("REFUND FAILURE", charge);
    let kind = (Kind::RefundFailure, moved);
    let seen = of_refund(context, refund, kind, available_on, description, cause);
    refund.details.failure_balance_transaction = Some(seen.id.clone());
    let mut statements = post(context, &transaction);
    statements.push(balance_transactions::insert(&context.scope, &seen)?);
    Ok(statements)
}

/// The movement of the balance that a refund makes, or takes back: of its amount, and of the fee that the
/// platform gives back with it.
fn of_refund<P: Platform>(
    context: &Context<'_, P>,
    refund: &Refund,
    (kind, [amount, fee]): (Kind, [SignedAmount; 2]),
    available_on: Timestamp,
    description: String,
    cause: String,
) -> BalanceTransaction {
    BalanceTransaction {
        id: BalanceTransaction::id_of(&cause),
        created: context.now,
        kind,
        currency: refund.amount.currency,
        amount,
        fee,
        available_on,
        source: Some(refund.id.as_str().to_owned()),
        details: Details {
            description: Some(description),
            fee_details: fee_details(fee, SignedAmount::ZERO),
            cause,
            ..Details::default()
        },
    }
}

/// A cardholder disputes a charge: the processor took the money back. Notes on the dispute how it was
/// booked.
///
/// # Errors
/// Never for amounts in range.
pub fn disputed<P: Platform>(
    context: &Context<'_, P>,
    charge: &Charge,
    dispute: &mut Dispute,
) -> Result<Vec<Statement>, Failure> {
    let cause = format!("{}:withdrawn", dispute.id);
    let amount = dispute.amount.amount;
    let fee = charge.details.booked.dispute_fee;
    let (returned, available_on) = returned(context, charge);
    let transaction = returned.disputed(cause.clone(), amount, fee)?;
    let seen = BalanceTransaction {
        id: BalanceTransaction::id_of(&cause),
        created: context.now,
        kind: Kind::Dispute,
        currency: dispute.amount.currency,
        amount: SignedAmount::from(amount).negated(),
        fee: fee.into(),
        available_on,
        source: Some(dispute.id.as_str().to_owned()),
        details: Details {
            description: Some(format!("Chargeback withdrawal for {}", charge.id)),
            fee_details: fee_details(fee.into(), SignedAmount::ZERO),
            price_plan: charge.details.booked.price_plan,
            cause,
            ..Details::default()
        },
    };
    let mut statements = post(context, &transaction);
    statements.push(balance_transactions::insert(&context.scope, &seen)?);
    dispute.details.balance_transactions.push(seen);
    Ok(statements)
}

/// The merchant won: the processor pays it again, and the fee stays paid (decision 0005). Notes on the
/// dispute how it was booked.
///
/// # Errors
/// Never for amounts in range.
pub fn dispute_won<P: Platform>(
    context: &Context<'_, P>,
    charge: &Charge,
    dispute: &mut Dispute,
) -> Result<Vec<Statement>, Failure> {
    let cause = format!("{}:reinstated", dispute.id);
    let amount = dispute.amount.amount;
    let (returned, available_on) = returned(context, charge);
    let transaction = returned.dispute_won(cause.clone(), amount, Amount::ZERO)?;
    let seen = BalanceTransaction {
        id: BalanceTransaction::id_of(&cause),
        created: context.now,
        kind: Kind::DisputeReversal,
        currency: dispute.amount.currency,
        amount: amount.into(),
        fee: SignedAmount::ZERO,
        available_on,
        source: Some(dispute.id.as_str().to_owned()),
        details: Details {
            description: Some(format!("Chargeback reversal for {}", charge.id)),
            cause,
            ..Details::default()
        },
    };
    let mut statements = post(context, &transaction);
    statements.push(balance_transactions::insert(&context.scope, &seen)?);
    dispute.details.balance_transactions.push(seen);
    Ok(statements)
}

/// The merchant lost: what was held back is gone. The balance does not move again.
///
/// # Errors
/// Never for amounts in range.
pub fn dispute_lost<P: Platform>(
    context: &Context<'_, P>,
    charge: &Charge,
    dispute: &Dispute,
) -> Result<Vec<Statement>, Failure> {
    let (returned, _) = returned(context, charge);
    let cause = format!("{}:lost", dispute.id);
    Ok(post(context, &returned.dispute_lost(cause, dispute.amount.amount)?))
}

/// A movement of a balance that no fee was paid for, as its owner sees it from now on.
pub(crate) fn free_of_charge<P: Platform>(
    context: &Context<'_, P>,
    cause: &str,
    kind: Kind,
    (amount, currency): (SignedAmount, Currency),
    source: &str,
    description: Option<String>,
) -> BalanceTransaction {
    BalanceTransaction {
        id: BalanceTransaction::id_of(cause),
        created: context.now,
        kind,
        currency,
        amount,
        fee: SignedAmount::ZERO,
        available_on: context.now,
        source: Some(source.to_owned()),
        details: Details { description, cause: cause.to_owned(), ..Details::default() },
    }
}

/// A merchant's bank added money, or (where `is_reversal`) took back what it had added. Notes on the top-up
/// how it was booked.
///
/// # Errors
/// Never for amounts in range.
pub fn topped_up<P: Platform>(
    context: &Context<'_, P>,
    topup: &mut Topup,
    is_reversal: bool,
) -> Result<Vec<Statement>, Failure> {
    let Money { amount, currency } = topup.amount;
    let today = context.now.day();
    let settles_on = today.plus(simulator::SETTLES_AFTER_DAYS);
    let moved = Returned {
        balances: balances(context, currency),
        processor: Processor { name: simulator::NAME.to_owned(), currency },
        dates: Dates { today, available_on: today, settles_on },
    };
    let (cause, kind, net) = match is_reversal {
        false => (format!("{}:succeeded", topup.id), Kind::Topup, amount.into()),
        true => {
            let taken = SignedAmount::from(amount).negated();
            (format!("{}:reversed", topup.id), Kind::TopupReversal, taken)
        }
    };
    let transaction = match is_reversal {
        false => moved.topped_up(cause.clone(), amount)?,
        true => moved.topup_reversed(cause.clone(), amount)?,
    };
    let description = topup.details.description.clone();
    let seen =
        free_of_charge(context, &cause, kind, (net, currency), topup.id.as_str(), description);
    if !is_reversal {
        topup.details.balance_transaction = Some(seen.id.clone());
    }
    let mut statements = post(context, &transaction);
    statements.push(balance_transactions::insert(&context.scope, &seen)?);
    Ok(statements)
}

fn described(what: &str, charge: &Charge) -> String {
    match &charge.details.description {
        Some(description) => format!("{what} ({description})"),
        None => what.to_owned(),
    }
}
