//! The archive: events stay in the database for 30 days, as in Stripe
//! (<https://docs.stripe.com/api/events>), and then go to the bucket of files, with the deliveries and the
//! attempts of each.
//!
//! A slice is written to the bucket first and then removed from the database. A crash in between leaves it
//! in both, and the next run writes and removes it again.

use std::collections::BTreeMap;

use domain::connector_webhook::KEPT_FOR;
use domain::timestamp::DAY;
use serde::Serialize;
use store::{Database, DatabaseError, Row, Rows};
use store::{archive, connector_webhooks};

use crate::{Failure, Platform};

/// How long events stay in the database, in seconds.
pub const KEEPS: i64 = 30 * DAY;

/// How long an event stays on that a delivery is still on its way of, in seconds: as long as one is attempted that
/// was sent again on the last day. Only order and limits keep one waiting for longer.
const WAITS: i64 = 3 * DAY;

/// Why a delivery was ended that waited for longer.
const GIVEN_UP: &str = "It still waited for its turn 33 days after the event.";

/// How long replays are kept, and endpoints after they were deleted, in seconds: until all events are gone that
/// they could be asked for.
pub(crate) const FORGETS: i64 = KEEPS + WAITS + DAY;

/// The most events that go at a time.
const SLICE: i64 = 50;

/// The place of what processors told and is forgotten now, among the statements of a run.
const FORGOTTEN: usize = 3;

/// About how many characters of them go at a time: all of it is in memory at once, several times.
const SIZE: i64 = 2_000_000;

/// An event with all that is known of its deliveries, as the rows were; a line of an archived object.
#[derive(Serialize)]
struct Line<'r> {
    event: &'r Row,
    deliveries: Vec<&'r Row>,
    attempts: Vec<&'r Row>,
}

/// Archives the next slice of old events, and removes what nobody needs any more. Says whether some are left.
///
/// # Errors
/// When the bucket or the database does not answer; the slice is then still in the database.
pub async fn go_on<P: Platform>(platform: &P) -> Result<bool, Failure> {
    let database = platform.database();
    let before = platform.now().plus(-KEEPS);
    let mut read = vec![archive::next(before, SLICE)];
    read.extend(archive::forget(platform.now().plus(-FORGETS), SLICE));
    read.push(connector_webhooks::forget(platform.now().plus(-KEPT_FOR), SLICE));
    let results = database.batch(read).await?;
    let told = i64::try_from(rows(&results, FORGOTTEN).len()).unwrap_or(SLICE);
    let Some((first, last)) = slice(rows(&results, 0))? else { return Ok(told >= SLICE) };
    let read = archive::read((first, last), before.plus(-WAITS), GIVEN_UP, platform.now());
    let known = database.batch(read).await?;
    let lines = lines(&known)?;
    let (Some(Line { event: newest, .. }), count) = (lines.last(), lines.len()) else {
        return Ok(false);
    };
    let last = newest.integer("sequence")?;
    tell(platform, &lines);
    // Named by both ends, so that a run which saw fewer events writes over no object that holds more of them.
    let name = format!("archive/events/{first:016}-{last:016}.jsonl");
    platform.put_file(&name, text(&lines)?).await?;
    let deliveries = lines.iter().map(|line| line.deliveries.len()).sum::<usize>();
    let [count, deliveries] =
        [count, deliveries].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    match database.batch(archive::remove(first, last, count, deliveries)).await {
        Ok(_) => Ok(true),
        // A delivery is planned anew, or somebody else has removed them.
        Err(DatabaseError::Guard(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The first and the last event that go now, of those that may: no more than fit.
fn slice(events: &[Row]) -> Result<Option<(i64, i64)>, Failure> {
    let mut ends = None;
    let mut size = 0_i64;
    for event in events {
        let Some(more) = event.optional_integer("size")? else { break };
        size = size.saturating_add(more);
        if size > SIZE && ends.is_some() {
            break;
        }
        let sequence = event.integer("sequence")?;
        ends = Some(ends.map_or((sequence, sequence), |(first, _)| (first, sequence)));
    }
    Ok(ends)
}

/// The lines of the first events that were read.
fn lines(known: &[Rows]) -> Result<Vec<Line<'_>>, Failure> {
    let (deliveries, attempts) = (by_event(rows(known, 2))?, by_event(rows(known, 3))?);
    let mut lines = Vec::new();
    for event in rows(known, 1) {
        let sequence = event.integer("sequence")?;
        let of = |rows: &BTreeMap<i64, Vec<_>>| rows.get(&sequence).cloned().unwrap_or_default();
        let line = Line { event, deliveries: of(&deliveries), attempts: of(&attempts) };
        // What is still on its way stays, and so do the events behind it.
        if line.deliveries.iter().any(|row| row.text("state") == Ok("pending")) {
            break;
        }
        lines.push(line);
    }
    Ok(lines)
}

/// Tells the operator of deliveries that waited for too long: nobody else sees them any more.
fn tell<P: Platform>(platform: &P, lines: &[Line<'_>]) {
    let deliveries = lines.iter().flat_map(|line| &line.deliveries);
    let given_up = deliveries.filter(|row| row.text("problem") == Ok(GIVEN_UP)).count();
    if given_up > 0 {
        platform.log_error("archive", &format!("{given_up} deliveries failed: {GIVEN_UP}"));
    }
}

fn rows(results: &[Rows], place: usize) -> &[Row] {
    results.get(place).map(|rows| rows.0.as_slice()).unwrap_or_default()
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
