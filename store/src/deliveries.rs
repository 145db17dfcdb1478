//! Deliveries: one row for each event that an endpoint is to hear of.

use domain::id::WebhookEndpointId;
use domain::timestamp::{DAY, Timestamp};
use domain::webhook::delivery::Attempt;
use serde::Serialize;

use crate::database::json;
use crate::events::{Shown, pending_webhooks};
use crate::{Inconsistent, Row, Statement, values};

pub(crate) const INSERT: &str = "\
    INSERT INTO deliveries (endpoint, event, created, state, attempts, next_attempt_at, object, \
    problem, attempted_at) \
    SELECT value ->> 'endpoint', value ->> 'event', ?2, \
    CASE WHEN value ->> 'problem' IS NULL THEN 'pending' ELSE 'failed' END, 0, \
    value ->> 'next_attempt_at', value ->> 'object', value ->> 'problem', \
    CASE WHEN value ->> 'problem' IS NOT NULL THEN ?2 END FROM json_each(?1)";

/// The deliveries of an endpoint that a condition holds for, with their events. One that is sent again counts
/// its attempts anew.
macro_rules! deliveries_with_events {
    ($from:expr, $condition:expr) => {
        concat!(
            "SELECT COALESCE(deliveries.replayed_at, deliveries.created) AS planned, deliveries.replay, \
             deliveries.object IS NOT NULL AS is_ordered, \
             deliveries.attempts - deliveries.attempts_before AS attempts, events.*, ",
            pending_webhooks!(),
            " AS pending_webhooks FROM ",
            $from,
            " CROSS JOIN events ON events.sequence = deliveries.event WHERE deliveries.endpoint = ?1 AND ",
            $condition
        )
    };
}

pub(crate) const FIND_FIRST: &str = deliveries_with_events!(
    "deliveries",
    "deliveries.event IN (SELECT value FROM json_each(?2)) \
     AND deliveries.state = 'pending' AND deliveries.next_attempt_at IS NULL \
     ORDER BY deliveries.event"
);

/// The first of an endpoint's deliveries that are due. Where it wants order, most of them may wait for others: a look at it
/// passes over no more than these.
macro_rules! due_first {
    () => {
        "(SELECT event AS due FROM deliveries INDEXED BY deliveries_due \
         WHERE endpoint = ?1 AND next_attempt_at <= ?2 ORDER BY next_attempt_at, event LIMIT 200)"
    };
}

/// In order, an object's later events wait for the end of the earlier ones: whether one waits.
macro_rules! has_an_earlier_one {
    () => {
        "EXISTS (SELECT 1 FROM deliveries AS earlier WHERE earlier.endpoint = ?1 \
         AND earlier.object = deliveries.object AND earlier.event < deliveries.event \
         AND earlier.state = 'pending')"
    };
}

// They come in the order of the first ones.
pub(crate) const FIND_DUE: &str = deliveries_with_events!(
    concat!(
        due_first!(),
        " CROSS JOIN deliveries ON deliveries.endpoint = ?1 AND deliveries.event = due"
    ),
    concat!("NOT ", has_an_earlier_one!(), " LIMIT ?3")
);

pub(crate) const NEXT_DUE: &str = "\
    SELECT next_attempt_at FROM deliveries INDEXED BY deliveries_due \
    WHERE endpoint = ?1 AND next_attempt_at IS NOT NULL ORDER BY next_attempt_at LIMIT 1";

// All that a look passes over, so that it never passes over the same again: a delivery without its event as well.
pub(crate) const STEP_ASIDE: &str = concat!(
    "UPDATE deliveries SET next_attempt_at = ?3 WHERE endpoint = ?1 AND event IN ",
    due_first!(),
    " AND (",
    has_an_earlier_one!(),
    " OR NOT EXISTS (SELECT 1 FROM events WHERE sequence = deliveries.event))"
);

// No attempt is planned for so long after its delivery was, but one that has stepped aside, or that has waited long enough.
pub(crate) const LET_FOLLOW: &str = "\
    UPDATE deliveries SET next_attempt_at = ?3 WHERE endpoint = ?1 AND event IN (\
    SELECT (SELECT MIN(later.event) FROM deliveries AS later WHERE later.endpoint = ?1 \
    AND later.object = ended.object AND later.state = 'pending') \
    FROM json_each(?2) CROSS JOIN deliveries AS ended ON ended.endpoint = ?1 \
    AND ended.event = json_each.value WHERE ended.state <> 'pending') \
    AND next_attempt_at > ?3 AND next_attempt_at >= COALESCE(replayed_at, created) + ?4";

// One that was asked to be sent again meanwhile is: this attempt counts for what was asked before.
pub(crate) const RECORD: &str = "\
    UPDATE deliveries SET state = CASE WHEN replay IS ?10 THEN ?3 ELSE state END, \
    next_attempt_at = CASE WHEN replay IS ?10 THEN ?4 ELSE next_attempt_at END, \
    attempts_before = attempts_before + (replay IS NOT ?10), attempts = attempts + 1, \
    attempted_at = ?5, status_code = ?6, problem = ?7, milliseconds = ?8, response = ?9 \
    WHERE endpoint = ?1 AND event = ?2 AND state = 'pending'";

pub(crate) const SUCCEED: &str = "\
    UPDATE deliveries SET state = 'succeeded', attempts = attempts + 1, next_attempt_at = NULL, \
    problem = NULL, attempted_at = value ->> 2, status_code = value ->> 3, \
    milliseconds = value ->> 4, response = value ->> 5 FROM json_each(?1) \
    WHERE endpoint = value ->> 0 AND event = value ->> 1 AND state = 'pending'";

// A delivery that was made twice keeps what came of the first, and one that arrived has not failed.
pub(crate) const KEEP_ATTEMPT: &str = "\
    INSERT INTO delivery_attempts \
    SELECT endpoint, event, attempts, attempted_at, status_code, problem, milliseconds, response \
    FROM deliveries WHERE endpoint = ?1 AND event = ?2 AND attempts >= 1 \
    AND state <> 'succeeded' AND NOT EXISTS (SELECT 1 FROM delivery_attempts AS kept WHERE kept.endpoint = ?1 \
    AND kept.event = ?2 AND kept.number = deliveries.attempts)";

pub(crate) const GIVE_UP: &str = "\
    UPDATE deliveries SET state = 'failed', next_attempt_at = NULL, problem = ?3, \
    attempted_at = COALESCE(attempted_at, ?4) WHERE endpoint = ?1 AND event IN (SELECT event FROM deliveries INDEXED BY deliveries_due \
    WHERE endpoint = ?1 AND next_attempt_at IS NOT NULL LIMIT ?2) \
    AND NOT EXISTS (SELECT 1 FROM webhook_endpoints WHERE id = ?1 AND status = 'enabled')";

// What is planned for an endpoint ends soon after it was deleted.
pub(crate) const FIND_LOST: &str = "\
    SELECT id, EXISTS (SELECT 1 FROM deliveries WHERE endpoint = id \
    AND event > settled_through AND state = 'pending' AND next_attempt_at IS NULL \
    AND created < ?2) AS has_lost, EXISTS (SELECT 1 FROM deliveries INDEXED BY deliveries_due \
    WHERE endpoint = id AND next_attempt_at < ?3) AS is_late, \
    settled_through < (SELECT MAX(event) FROM deliveries WHERE endpoint = id) AS is_behind \
    FROM webhook_endpoints WHERE id > ?1 \
    AND (status <> 'deleted' OR COALESCE(deleted_at, created) > ?4) ORDER BY id LIMIT ?5";

pub(crate) const PLAN_LOST: &str = "\
    UPDATE deliveries SET next_attempt_at = ?3 WHERE endpoint = ?1 AND event IN (\
    SELECT event FROM deliveries WHERE endpoint = ?1 AND event > (\
    SELECT settled_through FROM webhook_endpoints WHERE id = ?1) AND state = 'pending' \
    AND next_attempt_at IS NULL AND created < ?2 ORDER BY event LIMIT ?4)";

pub(crate) const PLAN: &str = "\
    UPDATE deliveries SET next_attempt_at = ?3 WHERE endpoint = ?1 \
    AND event IN (SELECT value FROM json_each(?2)) AND state = 'pending' \
    AND next_attempt_at IS NULL";

pub(crate) const SETTLE: &str = "\
    UPDATE webhook_endpoints SET settled_through = COALESCE(\
    (SELECT MIN(event) - 1 FROM deliveries WHERE endpoint = ?1 \
    AND event > webhook_endpoints.settled_through AND state = 'pending' \
    AND next_attempt_at IS NULL), \
    (SELECT MAX(event) FROM deliveries WHERE endpoint = ?1), settled_through) WHERE id = ?1";

/// A delivery that is planned.
#[derive(Clone, Debug, Serialize)]
pub struct Planned {
    /// The endpoint.
    pub endpoint: WebhookEndpointId,
    /// The event's sequence.
    pub event: i64,
    /// When, unless a queue message stands for the first attempt.
    pub next_attempt_at: Option<Timestamp>,
    /// The object that the event is about, where the endpoint wants them in order.
    pub object: Option<String>,
    /// Why it has failed before any attempt, unless it may be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A delivery that is to be attempted, with its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The event's sequence.
    pub sequence: i64,
    /// When it was planned, the last time.
    pub planned: Timestamp,
    /// How often it was attempted since.
    pub attempts: i64,
    /// The replay that it was sent again for, the last one.
    pub replay: Option<String>,
    /// Whether later events of its object wait for it.
    pub is_ordered: bool,
    /// The event, and to how many endpoints it is still on its way, where its row can be read.
    pub shown: Result<Shown, Inconsistent>,
}

/// How a delivery stands after an attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is attempted again then.
    Pending(Timestamp),
    /// Nothing more is attempted.
    Failed,
}

/// An endpoint that a search for lost deliveries has looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Searched {
    /// Its id.
    pub id: String,
    /// Whether a first attempt was lost on its way.
    pub has_lost: bool,
    /// Whether an attempt is due that nobody makes.
    pub is_late: bool,
    /// Whether deliveries that have an end are still looked at.
    pub is_behind: bool,
}

/// Plans deliveries.
pub fn insert(planned: &[Planned], now: Timestamp) -> Statement {
    Statement::new(INSERT, values![json(&planned), now.seconds()])
}

/// Finds those of an endpoint's deliveries that wait for their first attempt.
pub fn find_first(endpoint: &str, events: &[i64]) -> Statement {
    Statement::new(FIND_FIRST, values![endpoint, json(&events)])
}

/// How long what waits for an earlier event of its object steps aside, in seconds, unless that ends before.
const STEPS_ASIDE_FOR: i64 = DAY;

/// Finds an endpoint's deliveries that are due and wait for no other.
pub fn find_due(endpoint: &str, now: Timestamp, most: i64) -> Statement {
    Statement::new(FIND_DUE, values![endpoint, now.seconds(), most])
}

/// Finds when an endpoint's next delivery is due (column `next_attempt_at`), be it that it waits for another.
pub fn next_due(endpoint: &str) -> Statement {
    Statement::new(NEXT_DUE, values![endpoint])
}

/// Puts what waits for an earlier event of its object out of the way of what does not, of the first that are due.
pub fn step_aside(endpoint: &str, now: Timestamp) -> Statement {
    let until = now.plus(STEPS_ASIDE_FOR);
    Statement::new(STEP_ASIDE, values![endpoint, now.seconds(), until.seconds()])
}

/// Has what has stepped aside for these deliveries follow those of them that have ended.
pub fn let_follow(endpoint: &str, ended: &[i64], now: Timestamp) -> Statement {
    Statement::new(LET_FOLLOW, values![endpoint, json(&ended), now.seconds(), STEPS_ASIDE_FOR])
}

/// Writes what came of attempts that succeeded: to which endpoint, with which event, and what was answered.
pub fn succeed(made: &[(&str, i64, &Attempt)]) -> Statement {
    let columns = |(endpoint, event, attempt): &(_, _, &Attempt)| {
        let Attempt { at, status_code, milliseconds, .. } = **attempt;
        (*endpoint, *event, at, status_code, milliseconds, attempt.response.clone())
    };
    let made: Vec<(&str, i64, _, _, _, _)> = made.iter().map(columns).collect();
    Statement::new(SUCCEED, values![json(&made)])
}

/// Writes what came of an attempt that failed; it is kept beside the next one.
pub fn record(endpoint: &str, due: &Due, attempt: &Attempt, state: State) -> [Statement; 2] {
    let (name, next) = match state {
        State::Pending(at) => ("pending", Some(at.seconds())),
        State::Failed => ("failed", None),
    };
    let record = Statement::new(
        RECORD,
        values![
            endpoint,
            due.sequence,
            name,
            next,
            attempt.at.seconds(),
            attempt.status_code,
            attempt.problem.as_deref(),
            attempt.milliseconds,
            attempt.response.as_deref(),
            due.replay.as_deref(),
        ],
    );
    [record, Statement::new(KEEP_ATTEMPT, values![endpoint, due.sequence])]
}

/// Ends deliveries that are planned for an endpoint which takes none any more, at most so many; none where it
/// was enabled again meanwhile.
pub fn give_up(endpoint: &str, most: i64, because: &str, now: Timestamp) -> Statement {
    Statement::new(GIVE_UP, values![endpoint, most, because, now.seconds()])
}

/// Looks at the next endpoints for first attempts that are on their way since before a moment, and for deliveries that
/// were due before another one; of endpoints that were deleted only where that was after a third.
pub fn find_lost(
    after: &str,
    before: Timestamp,
    late: Timestamp,
    deleted: Timestamp,
    most: i64,
) -> Statement {
    let [before, late, deleted] = [before, late, deleted].map(Timestamp::seconds);
    Statement::new(FIND_LOST, values![after, before, late, deleted, most])
}

/// Plans first attempts that were lost on their way, at most so many.
pub fn plan_lost(endpoint: &str, before: Timestamp, now: Timestamp, most: i64) -> Statement {
    Statement::new(PLAN_LOST, values![endpoint, before.seconds(), now.seconds(), most])
}

/// Has an endpoint's own object make first attempts.
pub fn plan(endpoint: &str, events: &[i64], at: Timestamp) -> Statement {
    Statement::new(PLAN, values![endpoint, json(&events), at.seconds()])
}

/// Remembers up to where an endpoint's deliveries need not be looked at again.
pub fn settle(endpoint: &str) -> Statement {
    Statement::new(SETTLE, values![endpoint])
}

impl TryFrom<&Row> for Due {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            sequence: row.integer("sequence")?,
            planned: Timestamp(row.integer("planned")?),
            attempts: row.integer("attempts")?,
            replay: row.optional_text("replay")?.map(str::to_owned),
            is_ordered: row.flag("is_ordered")?,
            shown: Shown::try_from(row),
        })
    }
}

impl TryFrom<&Row> for Searched {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.text("id")?.to_owned(),
            has_lost: row.flag("has_lost")?,
            is_late: row.flag("is_late")?,
            is_behind: row.optional_integer("is_behind")? == Some(1),
        })
    }
}
