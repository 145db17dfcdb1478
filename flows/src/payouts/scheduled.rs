//! Payouts that an account's schedule makes: each carries all that became available on whole days, so
//! that what it carries can be listed, and sums to it.

use std::collections::{BTreeMap, BTreeSet};

use domain::bank_account::{self, BankAccount};
use domain::event::Transition;
use domain::id::BankAccountId;
use domain::money::{AmountOutOfRange, Currency, SignedAmount};
use domain::payout::{self, Days, Details, Method, Payout, Status, scheduled_id};
use domain::timestamp::{Day, HOUR};
use store::accounts::{self, Scheduled};
use store::ledger::{self, Balance};
use store::{Database, DatabaseError, Row, Rows, Scope, payouts};

use super::{MAX_TRIES, announce, books, dates, plan};
use crate::bank_accounts::{destination, finding};
use crate::context::first;
use crate::funds::Funds;
use crate::{Context, Failure, Platform};

/// How many accounts one look pays out; the rest follows in the next.
const BATCH: usize = 50;

/// How long after its end a day is closed, in seconds: by then no request that began on it still writes.
const CLOSES_AFTER: i64 = HOUR;

/// Makes the payouts that schedules want by today. Says whether some are left that can be made at once.
///
/// # Errors
/// When the database does not answer; what is left is found by the next look.
pub async fn run_due<P: Platform>(platform: &P) -> Result<bool, Failure> {
    let day = platform.now().plus(-CLOSES_AFTER).day();
    let database = platform.database();
    let limit = i64::try_from(BATCH).unwrap_or_default();
    let results = database.batch(vec![accounts::due(day, limit)]).await?;
    let rows = results.first().map(|Rows(rows)| rows.as_slice()).unwrap_or_default();
    let mut goes_on = false;
    for row in rows {
        // What keeps one merchant from being paid out must not keep the others from it.
        if let Err(failure) = run_one(platform, row, day).await {
            platform.log_error("scheduled payouts", &format!("{failure}, for {row:?}"));
            if failure.is_outage() {
                continue;
            }
            database.batch(accounts::postpone(row, day.plus(1))).await?;
        }
        goes_on = true;
    }
    Ok(goes_on && rows.len() >= BATCH)
}

async fn run_one<P: Platform>(platform: &P, row: &Row, day: Day) -> Result<(), Failure> {
    let account = Scheduled::try_from(row)?;
    // Live mode has no rail yet.
    let scope = Scope { account: account.id.clone(), livemode: false };
    let context = Context::unattended(platform, scope);
    let mut is_put_off = false;
    if account.due.is_some() || account.schedule.pays_on(day) {
        // What became available later than that waits for its own day.
        let due = account.schedule.last_until(day).unwrap_or(day);
        for currency in currencies(&context).await? {
            is_put_off |= pay_out(&context, currency, day, due).await?;
        }
    }
    let next = if is_put_off { Some(day.plus(1)) } else { account.schedule.next_after(day) };
    context.batch(vec![accounts::plan(&account, next)]).await?;
    Ok(())
}

async fn currencies<P: Platform>(context: &Context<'_, P>) -> Result<Vec<Currency>, Failure> {
    let results = context.batch(vec![ledger::balances(&context.scope)]).await?;
    let rows = results.first().map(|rows| rows.0.as_slice()).unwrap_or_default();
    let mut seen = BTreeSet::new();
    let mut currencies = Vec::new();
    for row in rows {
        let Balance { account, .. } = Balance::try_from(row)?;
        if seen.insert(account.currency.code()) {
            currencies.push(account.currency);
        }
    }
    Ok(currencies)
}

/// Makes the payout of a day in one currency, unless it is there already or nothing became available before
/// it was due: then the next one carries what there is. Says whether it is put off until tomorrow.
async fn pay_out<P: Platform>(
    context: &Context<'_, P>,
    currency: Currency,
    day: Day,
    due: Day,
) -> Result<bool, Failure> {
    let scope = &context.scope;
    let id = scheduled_id(&scope.account, currency, day);
    for _ in 0..MAX_TRIES {
        let reading = vec![
            payouts::find(scope, id.as_str()),
            Funds::finding(scope, currency, context.now),
            finding(context, None, currency),
            payouts::find_last_scheduled(scope, currency),
            payouts::find_by_hand_since(scope, currency, day.start()),
        ];
        let results = context.batch(reading).await?;
        if results.first().and_then(Rows::first).is_some() {
            return Ok(false);
        }
        let funds = Funds::read(scope, currency, context.now, results.get(1))?;
        if funds.catch_up(context.platform).await? {
            continue;
        }
        let bank: Option<BankAccount> = first(&results, 2)?;
        if bank.as_ref().is_some_and(|bank| bank.status == bank_account::Status::Errored) {
            return Ok(false);
        }
        // What was paid out by hand today was taken from days that this one would carry.
        let by_hand = results.get(4).and_then(Rows::first).is_some();
        let (amount, parts) = match closed(&funds, day, due)? {
            Closed::Nothing => return Ok(false),
            Closed::Owed => return Ok(true),
            Closed::Funds(..) if by_hand => return Ok(true),
            Closed::Funds(amount, parts) => (amount, parts),
        };
        let Some(Whole { amount, parts, rest }) = whole(currency, amount, parts)? else {
            return Ok(false);
        };
        let (bank, bank_holds) = destination(context, None, currency, bank)?;
        let last: Option<Payout> = first(&results, 3)?;
        let from = last.and_then(|last| last.details.covers).map_or(Day(0), |d| d.through.plus(1));
        let covers = Days { from, through: day.plus(-1) };
        let (leaves_at, _) = dates(Method::Standard, context.now);
        let mut payout = scheduled(context, (amount, currency), covers, bank.id);
        let mut batch = vec![funds.held(), bank_holds];
        batch.extend(books::left(context, &mut payout, &parts)?);
        batch.extend(books::kept_back(context, &payout, &rest, covers.through)?);
        batch.push(payouts::insert(scope, &payout));
        batch.push(plan(context, &payout, leaves_at));
        batch.extend(announce(context, Transition::PayoutScheduled, None, &payout));
        match context.batch(batch).await {
            Ok(_) => return Ok(false),
            Err(DatabaseError::Guard(_) | DatabaseError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Bug(format!("{id} was overtaken {MAX_TRIES} times")))
}

/// The payout of the day after those that it covers.
fn scheduled<P: Platform>(
    context: &Context<'_, P>,
    (amount, currency): (SignedAmount, Currency),
    covers: Days,
    destination: BankAccountId,
) -> Payout {
    Payout {
        id: scheduled_id(&context.scope.account, currency, covers.through.plus(1)),
        livemode: context.scope.livemode,
        created: context.now,
        version: 1,
        amount,
        currency,
        status: Status::Pending,
        arrival_date: dates(Method::Standard, context.now).1,
        automatic: true,
        destination,
        details: Details { covers: Some(covers), ..Details::default() },
    }
}

/// What can leave on a day.
enum Closed {
    /// Nothing.
    Nothing,
    /// Something, but more was given back on days that are not closed than came in on them: what is paid out
    /// must not leave the merchant owing. It can once those days are closed.
    Owed,
    /// So much, taken of these days.
    Funds(SignedAmount, Vec<(Day, SignedAmount)>),
}

/// All that became available before a day, where some of it did before it was due.
fn closed(funds: &Funds, day: Day, due: Day) -> Result<Closed, AmountOutOfRange> {
    let [mut when_due, mut amount, mut since] = [SignedAmount::ZERO; 3];
    let mut parts = Vec::new();
    for (held_on, held) in funds.by_day()? {
        if held_on < due {
            when_due = when_due.plus(held)?;
        }
        if held_on < day {
            amount = amount.plus(held)?;
            parts.push((held_on, held));
        } else {
            since = since.plus(held)?;
        }
    }
    Ok(if when_due.min(amount) <= SignedAmount::ZERO {
        Closed::Nothing
    } else if since < SignedAmount::ZERO {
        Closed::Owed
    } else {
        Closed::Funds(amount, parts)
    })
}

/// What a bank takes of a payout, and what of each day stays.
struct Whole {
    amount: SignedAmount,
    parts: Vec<(Day, SignedAmount)>,
    rest: Vec<(Day, SignedAmount)>,
}

/// Leaves what a currency's banks do not take; nothing where they would take none of it.
fn whole(
    currency: Currency,
    amount: SignedAmount,
    parts: Vec<(Day, SignedAmount)>,
) -> Result<Option<Whole>, AmountOutOfRange> {
    let rest = amount.minor_units().checked_rem(currency.payout_multiple()).unwrap_or_default();
    if rest == 0 {
        return Ok(Some(Whole { amount, parts, rest: Vec::new() }));
    }
    let amount = amount.minus(SignedAmount::new(rest)?)?;
    let mut left = BTreeMap::new();
    left.extend(parts);
    let Some(parts) = payout::taken(&left, amount)?.filter(|_| !amount.is_zero()) else {
        return Ok(None);
    };
    for (day, part) in &parts {
        let held = left.entry(*day).or_default();
        *held = held.minus(*part)?;
    }
    Ok(Some(Whole { amount, parts, rest: left.into_iter().collect() }))
}
