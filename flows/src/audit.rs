//! The audit as a job: once a day it reads everything again, slice by slice, and keeps what does
//! not hold, which calls for a person.
//!
//! A slice is read first, and what it found is then written in the batch that moves the audit on: a run
//! that dies goes on where it stood, and each difference is told of once.

use domain::Timestamp;
use domain::event::API_VERSION;
use domain::id::{EventId, IdSource};
use domain::timestamp::{DAY, HOUR};
use serde_json::json;
use store::audit::{self, Check, Difference, Run, STAGES, Stage};
use store::{Database, DatabaseError, Row, Rows};

use crate::{Failure, Platform};

/// How many rows of a table one slice reads, beside what belongs to them.
const ROWS: i64 = 500;

/// How many slices are read at a time; the rest follows in the next look.
const SLICES: usize = 4;

/// When on each day (UTC) the audit begins, in seconds.
const BEGINS: i64 = 2 * HOUR;

/// Reads the next slices, where they are due. Says whether some are left.
///
/// # Errors
/// When the database does not answer; the audit goes on from there.
pub async fn go_on<P: Platform>(platform: &P) -> Result<bool, Failure> {
    for _ in 0..SLICES {
        let results = platform.database().batch(vec![audit::due(platform.now())]).await?;
        let Some(row) = results.first().and_then(Rows::first) else { return Ok(false) };
        slice(platform, &Run::try_from(row)?).await?;
    }
    Ok(true)
}

async fn slice<P: Platform>(platform: &P, run: &Run) -> Result<(), Failure> {
    let database = platform.database();
    let now = platform.now();
    // A run begins, and so it does where another version of the code knew another stage.
    let Some(place) = STAGES.iter().position(|stage| stage.name == run.stage) else {
        let mut batch = audit::move_on(run, &begun(run), now).to_vec();
        batch.push(audit::forget_sums());
        return overtaken(database.batch(batch).await);
    };
    let (Some(stage), following) = (STAGES.get(place), STAGES.get(place.saturating_add(1))) else {
        return Ok(());
    };
    let results = database.batch(vec![stage.next(&run.place, ROWS)]).await?;
    let end = match results.first().and_then(Rows::first) {
        Some(row) => Some(row.text("place")?.to_owned()),
        None => None,
    };
    let to = end.as_deref().unwrap_or(stage.last);
    let reading = stage.checks.iter().map(|check| check.slice(&run.place, to, now)).collect();
    let differences = differences(platform, stage, &database.batch(reading).await?)?;
    let mut next = run.clone();
    to.clone_into(&mut next.place);
    match (stage.name, &end) {
        ("entries", _) => to.clone_into(&mut next.entries_to),
        ("transactions", _) => next.transactions_to = to.parse().unwrap_or(0),
        // What was added up was held against the accounts, and costs the payments no row any more.
        ("owners", None) => next = Run { entries_to: String::new(), transactions_to: 0, ..next },
        _ => {}
    }
    let due_at = match (&end, following) {
        (Some(_), _) => now,
        (None, Some(following)) => {
            following.name.clone_into(&mut next.stage);
            next.place.clear();
            now
        }
        (None, None) => {
            next = ended(run);
            tomorrow(now)
        }
    };
    let mut batch = audit::move_on(run, &next, due_at).to_vec();
    batch.extend(stage.add(&run.place, to));
    if next.run > run.run {
        batch.push(audit::forget_what_is_gone(run.run));
    }
    batch.splice(0..0, audit::keep(&differences, run.run, now, API_VERSION));
    overtaken(database.batch(batch).await)
}

/// Somebody else moved the audit on: their slice is as good as this one.
fn overtaken(result: Result<Vec<Rows>, DatabaseError>) -> Result<(), Failure> {
    match result {
        Ok(_) | Err(DatabaseError::Guard(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The first slice of a run.
fn begun(run: &Run) -> Run {
    let stage = STAGES.first().map_or("", |stage| stage.name).to_owned();
    Run { run: run.run, stage, place: String::new(), entries_to: String::new(), transactions_to: 0 }
}

/// The run after this one, of which nothing is read yet; nothing is added up until then.
fn ended(run: &Run) -> Run {
    Run { run: run.run.saturating_add(1), stage: String::new(), ..begun(run) }
}

fn tomorrow(now: Timestamp) -> Timestamp {
    let today = now.day().start().plus(BEGINS);
    if today > now { today } else { today.plus(DAY) }
}

/// What the checks of a slice found, with the events that tell of it.
fn differences<P: Platform>(
    platform: &P,
    stage: &Stage,
    results: &[Rows],
) -> Result<Vec<Difference>, Failure> {
    let mut differences = Vec::new();
    for (check, Rows(rows)) in stage.checks.iter().zip(results) {
        for row in rows {
            differences.push(difference(platform, check, row)?);
        }
    }
    Ok(differences)
}

fn difference<P: Platform>(platform: &P, check: &Check, row: &Row) -> Result<Difference, Failure> {
    let (subject, expected, found) =
        (row.text("subject")?, row.integer("expected")?, row.integer("found")?);
    let id: EventId = IdSource::new(&platform.random()).derive("event");
    let object = json!({
        "object": "florin.audit.difference",
        "check": check.name,
        "holds": check.holds,
        "subject": subject,
        "expected": expected,
        "found": found,
    });
    Ok(Difference {
        id: id.as_str().to_owned(),
        name: check.name,
        subject: subject.to_owned(),
        expected,
        found,
        data: json!({ "object": object }).to_string(),
    })
}
