//! What a new day does to the ledger: money that was pending becomes available, and the simulator
//! settles what it owes.

use connectors::simulator;
use domain::ledger::{
    AccountKind, Balances, LedgerAccount, Owner, Processor, Transaction, Unbalanced,
};
use domain::money::Amount;
use domain::timestamp::Timestamp;
use store::ledger::{self, Balance};
use store::{Database, DatabaseError, Row, Rows};

use crate::{Failure, Platform};

/// How many accounts one look moves; the rest follows in the next.
pub const BATCH: i64 = 50;

/// Moves what came due by today, in batches of one account each. Says how many accounts were due.
///
/// # Errors
/// When the database does not answer; what is left is found by the next look.
pub async fn move_due<P: Platform>(platform: &P) -> Result<usize, Failure> {
    let now = platform.now();
    let results =
        platform.database().batch(vec![ledger::due(now.day(), simulator::NAME, BATCH)]).await?;
    let rows = results.first().map(|Rows(rows)| rows.as_slice()).unwrap_or_default();
    for row in rows {
        // One account that cannot be read must not keep the others from their money.
        if let Err(failure) = move_one(platform, row, now).await {
            platform.log_error("new day", &format!("{failure}, for {row:?}"));
        }
    }
    Ok(rows.len())
}

async fn move_one<P: Platform>(platform: &P, row: &Row, now: Timestamp) -> Result<(), Failure> {
    let livemode = row.flag("livemode")?;
    let due = Balance::try_from(row)?;
    let Some(transaction) = of(&due, livemode, now)? else { return Ok(()) };
    let mut batch = vec![ledger::must_hold(livemode, &due)];
    batch.extend(ledger::post(livemode, &transaction, now));
    match platform.database().batch(batch).await {
        // Somebody else moved it, or more came in at the last moment: the next look sees.
        Ok(_) | Err(DatabaseError::Guard(_) | DatabaseError::Exists(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What is posted for an account that came due. What comes into it later is moved by a cause of its own.
pub(crate) fn of(
    Balance { account, balance }: &Balance,
    livemode: bool,
    now: Timestamp,
) -> Result<Option<Transaction>, Unbalanced> {
    let LedgerAccount { owner, kind, currency, day } = account;
    let mode = if livemode { "live" } else { "test" };
    let cause = |what: &str| {
        format!("{what}:{}:{mode}:{currency}:{}:{}", owner.name(), day.0, now.seconds())
    };
    Ok(Some(match (owner, kind) {
        (Owner::Merchant(merchant), AccountKind::Pending) => {
            let balances = Balances { merchant: merchant.clone(), currency: *currency };
            balances.matured(cause("matured"), *day, *balance)?
        }
        (Owner::Processor(name), AccountKind::Clearing) => {
            let processor = Processor { name: name.clone(), currency: *currency };
            processor.settled(cause("settled"), *day, *balance, Amount::ZERO)?
        }
        _ => return Ok(None),
    }))
}
