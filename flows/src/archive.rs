//! The archive: events stay in the database for 30 days, as in Stripe
//! (<https://docs.stripe.com/api/events>), and then go to the bucket of files, with the deliveries and the
//! attempts of each.
//!
//! A slice is written to the bucket first and then removed from the database. A crash in between leaves it
//! in both, and the next run writes and removes it again.

use std::collections::BTreeMap;

use domain::timestamp::DAY;
use serde::Serialize;
use store::archive;
use store::{Database, DatabaseError, Row, Rows};

use crate::{Failure, Platform};

/// How long events stay in the database, in seconds.
pub const KEEPS: i64 = 30 * DAY;

/// How many events go at a time.
const SLICE: i64 = 50;

/// An event with all that is known of its deliveries, as the rows were; a line of an archived object.
#[derive(Serialize)]
struct Line<'r> {
    event: &'r Row,
    deliveries: Vec<&'r Row>,
    attempts: Vec<&'r Row>,
}

/// Archives the next slice of old events. Says whether some are left.
///
/// # Errors
/// When the bucket or the database does not answer; the slice is then still in the database.
pub async fn go_on<P: Platform>(platform: &P) -> Result<bool, Failure> {
    let database = platform.database();
    let before = platform.now().plus(-KEEPS).seconds();
    let results = database.batch(vec![archive::next(SLICE, before)]).await?;
    let mut old = Vec::new();
    for event in rows(&results, 0) {
        if event.integer("created")? >= before {
            break;
        }
        old.push(event);
    }
    let Some((first, last)) = ends(&old)? else { return Ok(false) };
    let known = database.batch(archive::deliveries(first, last).to_vec()).await?;
    let (deliveries, attempts) = (by_event(rows(&known, 0))?, by_event(rows(&known, 1))?);
    // What is still on its way stays, and so do the events behind it.
    let mut lines = Vec::new();
    for event in &old {
        let sequence = event.integer("sequence")?;
        let of = |rows: &BTreeMap<i64, Vec<_>>| rows.get(&sequence).cloned().unwrap_or_default();
        let line = Line { event, deliveries: of(&deliveries), attempts: of(&attempts) };
        if line.deliveries.iter().any(|row| row.text("state") == Ok("pending")) {
            break;
        }
        lines.push(line);
    }
    let moved: Vec<&Row> = lines.iter().map(|line| line.event).collect();
    let Some((first, last)) = ends(&moved)? else { return Ok(false) };
    // Named by both ends, so that a run which saw fewer events writes over no object that holds more of them.
    let name = format!("archive/events/{first:016}-{last:016}.jsonl");
    platform.put_file(&name, text(&lines)?).await?;
    let count = lines.iter().map(|line| line.deliveries.len()).sum::<usize>();
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    match database.batch(archive::remove(first, last, count)).await {
        Ok(_) => Ok(true),
        // A delivery is planned anew, or somebody else has removed them.
        Err(DatabaseError::Guard(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn rows(results: &[Rows], place: usize) -> &[Row] {
    results.get(place).map(|rows| rows.0.as_slice()).unwrap_or_default()
}

/// The sequences of the first and the last event.
fn ends(events: &[&Row]) -> Result<Option<(i64, i64)>, Failure> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(None) };
    Ok(Some((first.integer("sequence")?, last.integer("sequence")?)))
}

fn by_event(rows: &[Row]) -> Result<BTreeMap<i64, Vec<&Row>>, Failure> {
    let mut known: BTreeMap<i64, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        known.entry(row.integer("event")?).or_default().push(row);
    }
    Ok(known)
}

/// The lines as JSON, each with its end.
fn text(lines: &[Line<'_>]) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    for line in lines {
        let line = serde_json::to_vec(line).map_err(|error| Failure::Bug(error.to_string()))?;
        text.extend(line);
        text.push(b'\n');
    }
    Ok(text)
}
