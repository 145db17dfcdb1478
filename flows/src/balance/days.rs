//! What a new day does to the ledger: money that was pending becomes available, and the simulator
//! settles what it owes.

use std::collections::BTreeMap;

use connectors::simulator;
use domain::account::Account;
use domain::event::Transition;
use domain::ledger::{AccountKind, Balances, Owner, Processor};
use domain::money::{Amount, SignedAmount};
use domain::timestamp::{HOUR, Timestamp};
use store::ledger::{self, Balance};
use store::{Database, DatabaseError, Row, Rows, Scope, Statement, accounts};

use super::shown;
use crate::announce::{Subjects, events};
use crate::context::first;
use crate::{Context, Failure, Platform};

/// How many accounts one look moves; the rest follows in the next.
const BATCH: usize = 50;

/// For how long an account that could not be moved is left alone, in seconds.
const PUT_OFF_FOR: i64 = HOUR;

/// What became of the merchants whose money was to be moved.
type Seen = BTreeMap<(String, bool), Result<(), Failure>>;

/// Moves what came due by today: one batch for all that a merchant has, one for each account of a
/// processor. Says whether some is left that can be moved at once.
///
/// # Errors
/// When the database does not answer; what is left is found by the next look.
pub async fn move_due<P: Platform>(platform: &P) -> Result<bool, Failure> {
    let now = platform.now();
    let database = platform.database();
    let limit = i64::try_from(BATCH).unwrap_or_default();
    let results = database.batch(vec![ledger::due(now, simulator::NAME, limit)]).await?;
    let rows = results.first().map(|Rows(rows)| rows.as_slice()).unwrap_or_default();
    let mut seen = Seen::new();
    let mut goes_on = false;
    for row in rows {
        // One account that cannot be read or moved must not keep the others from their money.
        if let Err(failure) = move_one(platform, row, now, &mut seen).await {
            platform.log_error("new day", &format!("{failure}, for {row:?}"));
            if failure.is_outage() {
                continue;
            }
            database.batch(vec![ledger::put_off(row, now.plus(PUT_OFF_FOR))?]).await?;
        }
        goes_on = true;
    }
    Ok(goes_on && rows.len() >= BATCH)
}

async fn move_one<P: Platform>(
    platform: &P,
    row: &Row,
    now: Timestamp,
    seen: &mut Seen,
) -> Result<(), Failure> {
    let livemode = row.flag("livemode")?;
    let due = Balance::try_from(row)?;
    match &due.account.owner {
        Owner::Merchant(account) => {
            let merchant = (account.as_str().to_owned(), livemode);
            if let Some(moved) = seen.get(&merchant) {
                return moved.clone();
            }
            let moved = mature(platform, Scope { account: account.clone(), livemode }).await;
            seen.insert(merchant, moved.clone());
            moved
        }
        Owner::Processor(_) => {
            let batch = settled(&due, livemode, now)?;
            committed(platform.database().batch(batch).await)
        }
        Owner::Platform => Err(Failure::Bug("the platform's own money is never due".to_owned())),
    }
}

/// Moves all of a merchant's money that is available by date, in one batch with the event that tells of it.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn mature<P: Platform>(platform: &P, scope: Scope) -> Result<(), Failure> {
    let context = Context::unattended(platform, scope);
    let scope = &context.scope;
    let results = context
        .batch(vec![ledger::balances(scope), accounts::find(scope, scope.account.as_str())])
        .await?;
    let account: Option<Account> = first(&results, 1)?;
    let rows = results.first().map(|rows| rows.0.as_slice()).unwrap_or_default();
    let held = rows.iter().map(Balance::try_from).collect::<Result<Vec<_>, _>>()?;
    let today = context.now.day();
    let is_due =
        |held: &&Balance| held.account.kind == AccountKind::Pending && held.account.day <= today;
    let mut batch = Vec::new();
    let mut more = false;
    for due in held.iter().filter(is_due) {
        more |= due.balance < SignedAmount::ZERO;
        batch.extend(matured(&context, due)?);
    }
    if let Some(account) = account.filter(|_| more) {
        let balance = shown(scope.livemode, account.default_currency, &held, today)?;
        let subjects = Subjects { balance: Some(&balance), ..Subjects::default() };
        batch.extend(events(&context, Transition::BalanceAvailable, subjects, None));
    }
    match batch.is_empty() {
        true => Ok(()),
        false => committed(context.batch(batch).await),
    }
}

/// What is posted for pending money whose day has come; what comes into the account later is moved by a
/// cause of its own.
fn matured<P: Platform>(
    context: &Context<'_, P>,
    due: &Balance,
) -> Result<Vec<Statement>, Failure> {
    let Scope { account, livemode } = &context.scope;
    let (currency, day) = (due.account.currency, due.account.day);
    let balances = Balances { merchant: account.clone(), currency };
    let run = context.ids.secret("matured");
    let cause = format!("matured:{account}:{}:{currency}:{}:{run}", mode(*livemode), day.0);
    let transaction = balances.matured(cause, day, due.balance)?;
    let mut statements = vec![ledger::must_hold(*livemode, due)];
    statements.extend(ledger::post(*livemode, &transaction, context.now));
    Ok(statements)
}

fn settled(due: &Balance, livemode: bool, now: Timestamp) -> Result<Vec<Statement>, Failure> {
    let (owner, currency) = (due.account.owner.name(), due.account.currency);
    let (mode, day) = (mode(livemode), due.account.day);
    let processor = Processor { name: owner.to_owned(), currency };
    let cause = format!("settled:{owner}:{mode}:{currency}:{}:{}", day.0, now.seconds());
    let transaction = processor.settled(cause, day, due.balance, Amount::ZERO)?;
    let mut statements = vec![ledger::must_hold(livemode, due)];
    statements.extend(ledger::post(livemode, &transaction, now));
    Ok(statements)
}

fn mode(livemode: bool) -> &'static str {
    if livemode { "live" } else { "test" }
}

fn committed(result: Result<Vec<Rows>, DatabaseError>) -> Result<(), Failure> {
    match result {
        // Somebody else moved it, or more came in at the last moment: the next look sees.
        Ok(_) | Err(DatabaseError::Guard(_) | DatabaseError::Exists(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
