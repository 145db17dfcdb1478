//! Replays: what was asked to be sent again, and the deliveries that are planned anew for it.

use domain::timestamp::Timestamp;
use domain::webhook::WebhookEndpoint;
use domain::webhook::replay::EventReplay;
use serde::Serialize;

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that another runner of the same step fails.
pub const VERSION_GUARD: &str = "event_replay_version";

pub(crate) const INSERT: &str = "\
    INSERT INTO event_replays \
    (id, account, livemode, created, version, endpoint, status, details) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

pub(crate) const UPDATE: &str = "\
    UPDATE event_replays SET version = version + 1, status = ?3, details = ?4 \
    WHERE id = ?1 AND version = ?2";

pub(crate) const FIND: &str =
    "SELECT * FROM event_replays WHERE id = ?1 AND account = ?2 AND livemode = ?3";

// What is not handed out yet comes by itself.
pub(crate) const CANDIDATES: &str = "\
    SELECT events.sequence, events.created, events.type, deliveries.state, \
    deliveries.next_attempt_at FROM events INDEXED BY events_by_account \
    LEFT JOIN deliveries ON deliveries.endpoint = ?3 AND deliveries.event = events.sequence \
    WHERE events.account = ?1 AND events.livemode = ?2 AND events.created BETWEEN ?4 AND ?6 \
    AND (events.created, events.sequence) > (?4, ?5) \
    AND events.sequence <= (SELECT event FROM fan_out WHERE id = 1) \
    ORDER BY events.created, events.sequence LIMIT ?7";

// The next attempt writes over what came of the last one, which is kept beside those that failed.
pub(crate) const KEEP_ATTEMPTS: &str = "\
    INSERT INTO delivery_attempts \
    SELECT endpoint, event, attempts, attempted_at, status_code, deliveries.problem, milliseconds, response \
    FROM json_each(?2) CROSS JOIN deliveries \
    ON deliveries.endpoint = ?1 AND deliveries.event = json_each.value ->> 'event' \
    WHERE deliveries.state = 'succeeded' AND deliveries.attempts >= 1 AND NOT EXISTS (\
    SELECT 1 FROM delivery_attempts AS kept WHERE kept.endpoint = ?1 \
    AND kept.event = deliveries.event AND kept.number = deliveries.attempts)";

// A first attempt that is on its way through the queue is left to it. What the fan-out has yet to plan must not be
// planned here: it would find the row and stop.
pub(crate) const PLAN: &str = "\
    INSERT INTO deliveries \
    (endpoint, event, created, state, attempts, next_attempt_at, object, replay, replayed_at) \
    SELECT ?1, events.sequence, ?3, 'pending', 0, json_each.value ->> 'at', \
    CASE WHEN ?4 THEN events.object END, ?5, ?3 \
    FROM json_each(?2) CROSS JOIN events ON events.sequence = json_each.value ->> 'event' \
    WHERE events.sequence <= (SELECT event FROM fan_out WHERE id = 1) \
    ON CONFLICT (endpoint, event) DO UPDATE SET state = 'pending', attempts_before = attempts, \
    next_attempt_at = excluded.next_attempt_at, object = excluded.object, \
    replay = excluded.replay, replayed_at = excluded.replayed_at \
    WHERE state <> 'pending' OR next_attempt_at IS NOT NULL";

/// An event that is planned to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// Its sequence.
    pub event: i64,
    /// When.
    pub at: Timestamp,
}

/// An event that may be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its sequence.
    pub sequence: i64,
    /// When it was made.
    pub created: i64,
    /// Its type.
    pub event_type: String,
    /// Whether the endpoint took it.
    pub is_taken: bool,
    /// Whether its first attempt is on its way.
    pub is_first: bool,
}

/// Writes a new replay.
pub fn insert(scope: &Scope, replay: &EventReplay) -> Statement {
    Statement::new(
        INSERT,
        values![
            replay.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            replay.created.seconds(),
            replay.version,
            replay.endpoint.as_str(),
            replay.status.name(),
            json(&replay.details),
        ],
    )
}

/// Writes how far a replay has come over the version that the step saw. Its version rises by one, in the row
/// and here.
pub fn update(replay: &mut EventReplay) -> [Statement; 2] {
    let update = Statement::new(
        UPDATE,
        values![replay.id.as_str(), replay.version, replay.status.name(), json(&replay.details),],
    );
    replay.version = replay.version.saturating_add(1);
    [update, guard::changed_one(VERSION_GUARD)]
}

/// Finds a replay.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

/// Finds the next events of a replay, at most so many.
pub fn candidates(scope: &Scope, replay: &EventReplay, most: i64) -> Statement {
    let details = &replay.details;
    let (created, sequence) = details.after.unwrap_or((details.created_from, -1));
    Statement::new(
        CANDIDATES,
        values![
            scope.account.as_str(),
            scope.livemode,
            replay.endpoint.as_str(),
            created,
            sequence,
            details.created_to,
            most,
        ],
    )
}

/// Plans deliveries anew, whatever became of them before.
pub fn plan(
    endpoint: &WebhookEndpoint,
    planned: &[Planned],
    replay: &EventReplay,
    now: Timestamp,
) -> [Statement; 2] {
    let id = endpoint.id.as_str();
    let events = json(&planned);
    let keep = Statement::new(KEEP_ATTEMPTS, values![id, events.as_str()]);
    let plan = Statement::new(
        PLAN,
        values![id, events, now.seconds(), endpoint.details.is_ordered, replay.id.as_str(),],
    );
    [keep, plan]
}

impl TryFrom<&Row> for Candidate {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        let state = row.optional_text("state")?;
        let has_time = row.optional_integer("next_attempt_at")?.is_some();
        Ok(Self {
            sequence: row.integer("sequence")?,
            created: row.integer("created")?,
            event_type: row.text("type")?.to_owned(),
            is_taken: state == Some("succeeded"),
            is_first: state == Some("pending") && !has_time,
        })
    }
}

impl TryFrom<&Row> for EventReplay {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named("id")?,
            livemode: row.flag("livemode")?,
            created: Timestamp(row.integer("created")?),
            version: row.integer("version")?,
            endpoint: row.named("endpoint")?,
            status: row.named("status")?,
            details: row.json("details")?,
        })
    }
}
