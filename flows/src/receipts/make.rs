//! Making receipts: a slice of events, the receipts of their charges, then the cursor.

use std::collections::BTreeSet;

use domain::Timestamp;
use domain::receipt::EVENTS;
use futures_util::future::join_all;
use store::scheduled_tasks::{self, Task};
use store::{Database, DatabaseError, Inconsistent, Row, Rows, Scope, receipts};

use super::{Made, task};
use crate::{Failure, Platform};

/// How many events one slice takes on.
const SLICE: i64 = 60;

/// How many receipts are on their way to the bucket at the same time: a Worker has six connections, and
/// each receipt uses one at a time.
const TOGETHER: usize = 6;

/// How many events are a rush of payments when they come within [`RUSH_LASTS`]. It has the database and the buckets to
/// itself: nobody waits for a receipt, since one that is read sooner is made on the spot.
const RUSH: i64 = 60;

/// Within how many seconds, and how long receipts then wait until they look again.
const RUSH_LASTS: i64 = 5;

/// How old an event becomes before its receipt no longer waits for the end of a rush, in seconds.
const PATIENCE: i64 = 600;

/// Makes the receipts of the next events. Says when to go on, if there is more to do. The cursor stays where it
/// is unless the bucket has taken all of them; those that are there already are left as they are the next time.
///
/// # Errors
/// When the database or the bucket does not answer.
pub async fn make<P: Platform>(platform: &P) -> Result<Option<Timestamp>, Failure> {
    let now = platform.now();
    let read = vec![receipts::cursor(RUSH), receipts::events(SLICE)];
    let results = platform.database().batch(read).await?;
    let cursor = results.first().and_then(Rows::first);
    let Some(cursor) = cursor else {
        return Err(Failure::Bug("receipts have no cursor".to_owned()));
    };
    let events = results.get(1).map(|rows| rows.0.as_slice()).unwrap_or_default();
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(None) };
    let before = cursor.optional_integer("before")?;
    let is_rush = before.is_some_and(|before| before > now.plus(-RUSH_LASTS).seconds());
    let is_late = first.integer("created")? < now.plus(-PATIENCE).seconds();
    if is_rush && !is_late {
        return Ok(Some(now.plus(RUSH_LASTS)));
    }
    let tasks = keep(platform, changed(platform, events)).await?;
    let (from, to) = (cursor.integer("receipt_event")?, last.integer("sequence")?);
    let mut batch = receipts::advance(from, to).to_vec();
    batch.extend(tasks.iter().map(scheduled_tasks::insert));
    match platform.database().batch(batch).await {
        // Another run of this has made them.
        Ok(_) | Err(DatabaseError::Guard(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let is_full = i64::try_from(events.len()).unwrap_or(SLICE) >= SLICE;
    Ok(is_full.then_some(now))
}

/// The charges that may have another receipt after these events. An event that cannot be read is passed over: it must
/// not keep the others from their receipts.
fn changed<P: Platform>(platform: &P, events: &[Row]) -> Vec<(String, Scope)> {
    let mut seen = BTreeSet::new();
    let mut charges = Vec::new();
    for event in events {
        match charge_of(event) {
            Ok(Some((charge, scope))) if seen.insert(charge) => {
                charges.push((charge.to_owned(), scope));
            }
            Ok(_) => {}
            Err(error) => platform.log_error("receipts", &format!("{error}, in {event:?}")),
        }
    }
    charges
}

/// The charge that may have another receipt after an event.
fn charge_of(event: &Row) -> Result<Option<(&str, Scope)>, Inconsistent> {
    let kind = event.text("type")?;
    if !EVENTS.iter().any(|known| known.name() == kind) {
        return Ok(None);
    }
    let scope = Scope { account: event.named("account")?, livemode: event.flag("livemode")? };
    Ok(Some((event.text("charge")?, scope)))
}

/// Keeps the receipts of charges. That of one which cannot be read becomes a task.
async fn keep<P: Platform>(
    platform: &P,
    charges: Vec<(String, Scope)>,
) -> Result<Vec<Task>, Failure> {
    if charges.is_empty() {
        return Ok(Vec::new());
    }
    let read = charges.iter().flat_map(|(charge, _)| receipts::find(charge)).collect();
    let results = platform.database().batch(read).await?;
    let (mut made, mut tasks) = (Vec::new(), Vec::new());
    for ((charge, scope), place) in charges.into_iter().zip((0..).step_by(2)) {
        match Made::read(platform, &results, place) {
            Ok(Some(receipt)) => made.push(receipt),
            Ok(None) => {}
            // One charge that cannot be read must not keep the others from having their receipts.
            Err(failure) => {
                platform.log_error(&charge, &failure.to_string());
                tasks.push(task(charge, scope, platform.now()));
            }
        }
    }
    for together in made.chunks(TOGETHER) {
        for kept in join_all(together.iter().map(|receipt| receipt.keep(platform))).await {
            kept?;
        }
    }
    Ok(tasks)
}
