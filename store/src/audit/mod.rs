//! The audit: what has to hold between the entries, the balances and the objects, recomputed from all of
//! them.
//!
//! One list of checks serves the tests, `cargo xtask audit` and the job that runs every day. Each is a
//! statement that finds what breaks it, as rows of `subject`, `expected` and `found`; no rows, and it
//! holds. The job reads slices that are bounded, so that it never stops the payments: what has to be
//! added up over more than a slice is kept in `audit_sums`.

mod checks;
mod held;
mod moves;

use domain::timestamp::{DAY, HOUR, Timestamp};
use serde::Serialize;

use crate::{Inconsistent, Row, Statement, guard, values};

pub use checks::STAGES;

/// Something that has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name, as `entries_balance`.
    pub name: &'static str,
    /// What holds, for people.
    pub holds: &'static str,
    /// Finds what breaks it in a slice.
    sql: &'static str,
    /// The same in all rows at once, where that is more than the slice of all of them.
    whole: Option<&'static str>,
}

/// Rows that are read in the order of a key, with the checks that are made of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its name in the database.
    pub name: &'static str,
    /// Finds the key at which a slice ends.
    next: &'static str,
    /// The last key that there can be.
    pub last: &'static str,
    /// Adds a slice up.
    adds: Option<&'static str>,
    /// What has to hold.
    pub checks: &'static [Check],
}

/// The longest that work is put off which a processor keeps from being done, in seconds, and some more.
const LONGEST_PAUSE: i64 = DAY + LONGEST_DELAY;

/// The longest that work which failed is put off, in seconds, and some more.
const LONGEST_DELAY: i64 = 2 * HOUR;

/// The guard that fails when somebody else has moved the audit on.
pub const PLACE_GUARD: &str = "audit_place";

pub(crate) const RUN: &str = "SELECT * FROM audit_run WHERE id = 1 AND due_at <= ?1";

pub(crate) const MOVE_ON: &str = "\
    UPDATE audit_run SET run = ?1, due_at = ?2, stage = ?3, place = ?4, entries_to = ?5, \
    transactions_to = CAST(?6 AS INTEGER) WHERE id = 1 AND run = ?7 AND stage = ?8 AND place = ?9";

pub(crate) const FORGET_SUMS: &str = "DELETE FROM audit_sums WHERE owner > ''";

// A difference that is known already is told of no more. No merchant has this account: whoever runs the
// platform may make it, and hear of its events.
pub(crate) const TELL: &str = "\
    INSERT INTO events (id, account, livemode, created, type, object, data, api_version) \
    SELECT value ->> 'id', 'acct_platform', 1, ?2, 'florin.audit.difference', value ->> 'subject', \
    value ->> 'data', ?3 FROM json_each(?1) WHERE NOT EXISTS (SELECT 1 \
    FROM audit_differences AS d WHERE d.name = value ->> 'name' AND d.subject = value ->> 'subject')";

pub(crate) const KEEP: &str = "\
    INSERT INTO audit_differences (name, subject, expected, found, created, run) \
    SELECT value ->> 'name', value ->> 'subject', value ->> 'expected', value ->> 'found', ?2, ?3 \
    FROM json_each(?1) WHERE true \
    ON CONFLICT DO UPDATE SET expected = excluded.expected, found = excluded.found, run = excluded.run";

pub(crate) const FORGET_WHAT_IS_GONE: &str =
    "DELETE FROM audit_differences WHERE name > '' AND run < ?1";

/// Finds what the job has found and told of, for people.
pub const KNOWN: &str = "SELECT * FROM audit_differences ORDER BY created, name, subject";

impl Stage {
    /// Finds where the slice ends that begins after a place; no row where it is the last.
    pub fn next(&self, place: &str, rows: i64) -> Statement {
        Statement::new(self.next, values![place, rows.saturating_sub(1)])
    }

    /// Adds a slice up, where that is done.
    pub fn add(&self, from: &str, to: &str) -> Option<Statement> {
        self.adds.map(|sql| Statement::new(sql, values![from, to]))
    }
}

impl Check {
    /// Finds what breaks it in a slice.
    pub fn slice(&self, from: &str, to: &str, now: Timestamp) -> Statement {
        let mut values = values![from, to];
        if self.sql.contains("?3") || self.sql.contains("?4") {
            values.push(now.plus(LONGEST_PAUSE).seconds().into());
        }
        if self.sql.contains("?4") {
            values.push(now.plus(-LONGEST_DELAY).seconds().into());
        }
        Statement::new(self.sql, values)
    }

    /// Finds what breaks it anywhere. `now` is the moment, as an expression in SQL.
    pub fn whole(&self, stage: &Stage, now: &str) -> String {
        let slice = || {
            let named = |text: &str| format!("'{text}'");
            let sql = self.sql.replace("?1", "''").replace("?2", &named(stage.last));
            let sql = sql.replace("?3", "9007199254740991");
            sql.replace("?4", &format!("({now} - {LONGEST_DELAY})"))
        };
        self.whole.map_or_else(slice, str::to_owned)
    }
}

/// Every check by its stage.
pub fn checks() -> impl Iterator<Item = (&'static Stage, &'static Check)> {
    STAGES.iter().flat_map(|stage| stage.checks.iter().map(move |check| (stage, check)))
}

/// Where the audit stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Counts the runs.
    pub run: i64,
    /// What is being read, by its name; empty where a run has not begun.
    pub stage: String,
    /// Up to which key it was.
    pub place: String,
    /// Up to which key entries are added up.
    pub entries_to: String,
    /// Up to which key balance transactions are.
    pub transactions_to: i64,
}

impl TryFrom<&Row> for Run {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            run: row.integer("run")?,
            stage: row.text("stage")?.to_owned(),
            place: row.text("place")?.to_owned(),
            entries_to: row.text("entries_to")?.to_owned(),
            transactions_to: row.integer("transactions_to")?,
        })
    }
}

/// Finds where the audit stands, where its next slice is due.
pub fn due(now: Timestamp) -> Statement {
    Statement::new(RUN, values![now.seconds()])
}

/// Moves the audit on from where it was seen.
pub fn move_on(seen: &Run, next: &Run, due_at: Timestamp) -> [Statement; 2] {
    let values = values![
        next.run,
        due_at.seconds(),
        next.stage.as_str(),
        next.place.as_str(),
        next.entries_to.as_str(),
        next.transactions_to,
        seen.run,
        seen.stage.as_str(),
        seen.place.as_str(),
    ];
    [Statement::new(MOVE_ON, values), guard::changed_one(PLACE_GUARD)]
}

/// Forgets what the run before added up.
pub fn forget_sums() -> Statement {
    Statement::new(FORGET_SUMS, values![])
}

/// Something that does not hold, with the event that tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The event's id.
    pub id: String,
    /// The check's name.
    pub name: &'static str,
    /// What it is about.
    pub subject: String,
    /// What one side says.
    pub expected: i64,
    /// What the other says.
    pub found: i64,
    /// The event's data, as JSON.
    pub data: String,
}

/// Keeps differences, with an event of each that was not known.
pub fn keep(differences: &[Difference], run: i64, now: Timestamp, version: &str) -> [Statement; 2] {
    let all = crate::database::json(&differences);
    [
        Statement::new(TELL, values![all.as_str(), now.seconds(), version]),
        Statement::new(KEEP, values![all, now.seconds(), run]),
    ]
}

/// Forgets the differences that a run found no more.
pub fn forget_what_is_gone(run: i64) -> Statement {
    Statement::new(FORGET_WHAT_IS_GONE, values![run])
}

/// Every statement that the job runs, with a name for people.
pub(crate) fn statements() -> Vec<(String, String)> {
    let fixed = [
        ("audit.forget_sums", FORGET_SUMS),
        ("audit.forget_what_is_gone", FORGET_WHAT_IS_GONE),
        ("audit.keep", KEEP),
        ("audit.move_on", MOVE_ON),
        ("audit.run", RUN),
        ("audit.tell", TELL),
    ];
    let named = |name: &str, sql: &str| (name.to_owned(), sql.to_owned());
    let mut statements: Vec<_> = fixed.iter().map(|(name, sql)| named(name, sql)).collect();
    for stage in STAGES {
        statements.push(named(&format!("audit.next {}", stage.name), stage.next));
        statements.extend(stage.adds.map(|sql| named(&format!("audit.add {}", stage.name), sql)));
    }
    statements.extend(
        checks().map(|(_, check)| named(&format!("audit.check {}", check.name), check.sql)),
    );
    statements
}
