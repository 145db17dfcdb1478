//! Pages of deliveries, newest first, and what came of each attempt.
//!
//! A delivery names no account: a page is read endpoint by endpoint, of which an account has few, each through
//! an index that ends in the event's sequence.

use domain::timestamp::Timestamp;
use domain::webhook::delivery::{Attempt, Delivery};

use crate::database::json;
use crate::events::pending_webhooks;
use crate::{Inconsistent, Row, Scope, Statement, values};

/// Which of an endpoint's deliveries are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of them.
    All,
    /// Those that arrived: nearly all, so that they have no index.
    Succeeded,
    /// Those that have failed for good.
    Failed,
    /// Those that wait for their next attempt.
    Waiting,
    /// Those whose first attempt is on its way through the queue. They lie behind what is settled, so that few
    /// rows are passed on the way to them.
    First,
}

impl Part {
    /// Every part.
    pub(crate) const ALL: [Self; 5] =
        [Self::All, Self::Succeeded, Self::Failed, Self::Waiting, Self::First];

    /// What did not arrive, in three parts.
    pub const UNDELIVERED: &[Self] = &[Self::Failed, Self::Waiting, Self::First];

    fn index_and_condition(self) -> (&'static str, &'static str) {
        match self {
            Self::All => ("", ""),
            Self::Succeeded => ("", " AND deliveries.state = 'succeeded'"),
            Self::Failed => ("INDEXED BY deliveries_failed ", " AND deliveries.state = 'failed'"),
            Self::Waiting => {
                ("INDEXED BY deliveries_waiting ", " AND deliveries.next_attempt_at IS NOT NULL")
            }
            Self::First => (
                "",
                " AND deliveries.event > (SELECT settled_through FROM webhook_endpoints WHERE id = ?1) \
                 AND deliveries.state = 'pending' AND deliveries.next_attempt_at IS NULL",
            ),
        }
    }
}

/// Which deliveries of one endpoint are wanted, by their events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first sequence.
    pub from: i64,
    /// The last sequence.
    pub to: i64,
    /// No event made before this second.
    pub created_from: i64,
    /// No event made after this second.
    pub created_to: i64,
    /// Events of these types, unless all are wanted.
    pub types: Option<Vec<String>>,
    /// How many.
    pub most: i64,
    /// Whether the oldest of them come first.
    pub is_ascending: bool,
}

impl Range {
    fn types(&self) -> Option<String> {
        self.types.as_ref().map(json)
    }
}

fn order(is_ascending: bool) -> &'static str {
    if is_ascending { "ASC" } else { "DESC" }
}

pub(crate) fn page_sql(part: Part, is_ascending: bool) -> String {
    let (index, condition) = part.index_and_condition();
    let order = order(is_ascending);
    format!(
        "SELECT deliveries.endpoint, deliveries.event, deliveries.created, deliveries.state, \
         deliveries.attempts, deliveries.next_attempt_at, deliveries.attempted_at, \
         deliveries.status_code, deliveries.problem, deliveries.milliseconds, deliveries.replay, \
         NULL AS response, events.id AS event_id, events.type AS event_type \
         FROM deliveries {index}CROSS JOIN events ON events.sequence = deliveries.event \
         WHERE deliveries.endpoint = ?1 AND deliveries.event BETWEEN ?2 AND ?3 \
         AND events.created BETWEEN ?4 AND ?5 \
         AND (?6 IS NULL OR events.type IN (SELECT value FROM json_each(?6))){condition} \
         ORDER BY deliveries.event {order} LIMIT ?7"
    )
}

// The pluses keep SQLite on the order of the sequence: what is behind the cursor is little.
pub(crate) fn not_handed_out_sql(is_ascending: bool) -> String {
    let order = order(is_ascending);
    format!(
        "SELECT sequence AS event FROM events \
         WHERE sequence > (SELECT event FROM fan_out WHERE id = 1) \
         AND sequence BETWEEN ?3 AND ?4 AND +account = ?1 AND +livemode = ?2 \
         AND +created BETWEEN ?5 AND ?6 \
         AND (?7 IS NULL OR +type IN (SELECT value FROM json_each(?7))) AND {} > 0 \
         ORDER BY sequence {order} LIMIT ?8",
        pending_webhooks!()
    )
}

pub(crate) const FIND: &str = "\
    SELECT deliveries.*, events.id AS event_id, events.type AS event_type \
    FROM deliveries CROSS JOIN events ON events.sequence = deliveries.event \
    WHERE deliveries.endpoint = ?1 AND deliveries.event = \
    (SELECT sequence FROM events WHERE id = ?2 AND account = ?3 AND livemode = ?4)";

pub(crate) const ATTEMPTS: &str = "\
    SELECT * FROM delivery_attempts WHERE endpoint = ?1 AND event = \
    (SELECT sequence FROM events WHERE id = ?2 AND account = ?3 AND livemode = ?4) \
    ORDER BY number DESC LIMIT ?5";

/// Every statement with a name for people.
pub(crate) fn statements() -> Vec<(String, String)> {
    let orders = [true, false];
    let pages = Part::ALL.into_iter().flat_map(|part| {
        orders.map(|order| (format!("delivery_list.page {part:?} {order}"), page_sql(part, order)))
    });
    let rest =
        orders.map(|order| (format!("delivery_list.rest {order}"), not_handed_out_sql(order)));
    pages.chain(rest).collect()
}

/// Finds some of an endpoint's deliveries.
pub fn page(endpoint: &str, part: Part, range: &Range) -> Statement {
    Statement::new(
        page_sql(part, range.is_ascending),
        values![
            endpoint,
            range.from,
            range.to,
            range.created_from,
            range.created_to,
            range.types(),
            range.most,
        ],
    )
}

/// Finds the events that an endpoint will hear of and that nobody has handed out yet (column `event`).
pub fn not_handed_out(scope: &Scope, range: &Range) -> Statement {
    Statement::new(
        not_handed_out_sql(range.is_ascending),
        values![
            scope.account.as_str(),
            scope.livemode,
            range.from,
            range.to,
            range.created_from,
            range.created_to,
            range.types(),
            range.most,
        ],
    )
}

/// Finds the delivery of an event to an endpoint.
pub fn find(scope: &Scope, endpoint: &str, event: &str) -> Statement {
    Statement::new(FIND, values![endpoint, event, scope.account.as_str(), scope.livemode])
}

/// Finds the attempts of a delivery that are kept beside it, the newest first.
pub fn attempts(scope: &Scope, endpoint: &str, event: &str, most: i64) -> Statement {
    Statement::new(ATTEMPTS, values![endpoint, event, scope.account.as_str(), scope.livemode, most])
}

/// What came of an attempt, where there was one.
///
/// # Errors
/// When the row cannot be read.
pub fn attempt(row: &Row) -> Result<Option<Attempt>, Inconsistent> {
    let Some(at) = row.optional_integer("attempted_at")? else { return Ok(None) };
    Ok(Some(Attempt {
        at: Timestamp(at),
        status_code: row.optional_integer("status_code")?,
        problem: row.optional_text("problem")?.map(str::to_owned),
        milliseconds: row.optional_integer("milliseconds")?.unwrap_or(0),
        response: row.optional_text("response")?.map(str::to_owned),
    }))
}

impl TryFrom<&Row> for Delivery {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            endpoint: row.named("endpoint")?,
            event: row.named("event_id")?,
            event_type: row.text("event_type")?.to_owned(),
            created: Timestamp(row.integer("created")?),
            status: row.named("state")?,
            attempts: row.integer("attempts")?,
            next_attempt_at: row.optional_integer("next_attempt_at")?.map(Timestamp),
            last: attempt(row)?,
            replay: row.optional_text("replay")?.map(str::to_owned),
        })
    }
}
