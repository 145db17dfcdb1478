//! The fan-out: how far events were handed to the endpoints that hear of them.
//!
//! Progress is a cursor over the events' sequence, not a flag on each event.

use domain::timestamp::Timestamp;

use crate::{Inconsistent, Row, Statement, guard, values};

/// The guard that another fan-out of the same events fails.
pub const CURSOR_GUARD: &str = "fan_out_cursor";

pub(crate) const CURSOR: &str = "SELECT * FROM fan_out WHERE id = 1";

/// Which events are next: those of accounts that an enabled endpoint may hear of, among so many behind the cursor.
macro_rules! next {
    () => {
        "FROM events WHERE sequence > (SELECT event FROM fan_out WHERE id = 1) \
         AND sequence <= (SELECT event + ?2 FROM fan_out WHERE id = 1) \
         AND EXISTS (SELECT 1 FROM webhook_endpoints AS hears \
         INDEXED BY webhook_endpoints_living WHERE hears.account = events.account \
         AND hears.livemode = events.livemode AND hears.status <> 'deleted' \
         AND hears.status = 'enabled') \
         ORDER BY sequence LIMIT ?1"
    };
}

pub(crate) const EVENTS: &str =
    concat!("SELECT sequence, account, livemode, type, object ", next!());

pub(crate) const ENDPOINTS: &str = concat!(
    "SELECT * FROM webhook_endpoints INDEXED BY webhook_endpoints_living \
     WHERE status <> 'deleted' AND status = 'enabled' AND (account, livemode) IN (\
     SELECT account, livemode ",
    next!(),
    ")"
);

pub(crate) const LAST: &str = "SELECT MAX(sequence) AS last FROM events";

pub(crate) const ADVANCE: &str = "UPDATE fan_out SET event = ?2 WHERE id = 1 AND event = ?1";

pub(crate) const SEARCHED: &str =
    "UPDATE fan_out SET searched_at = ?1, searched_through = ?2 WHERE id = 1";

/// How far the fan-out and the search for lost deliveries have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The last event that was handed out.
    pub event: i64,
    /// When the last search was complete.
    pub searched_at: Timestamp,
    /// The last endpoint that the present search has looked at.
    pub searched_through: String,
}

/// Finds how far the fan-out has come.
pub fn cursor() -> Statement {
    Statement::new(CURSOR, values![])
}

/// Finds the next events that an endpoint may hear of, at most so many and among so many behind the cursor: their
/// sequence, account, mode, type and object.
pub fn events(most: i64, among: i64) -> Statement {
    Statement::new(EVENTS, values![most, among])
}

/// Finds every enabled endpoint of the accounts whose events are next.
pub fn endpoints(most: i64, among: i64) -> Statement {
    Statement::new(ENDPOINTS, values![most, among])
}

/// Finds the last event of all (column `last`).
pub fn last() -> Statement {
    Statement::new(LAST, values![])
}

/// Moves the cursor on, unless somebody else did.
pub fn advance(from: i64, to: i64) -> [Statement; 2] {
    [Statement::new(ADVANCE, values![from, to]), guard::changed_one(CURSOR_GUARD)]
}

/// Remembers how far the search for lost deliveries has come.
pub fn searched(at: Timestamp, through: &str) -> Statement {
    Statement::new(SEARCHED, values![at.seconds(), through])
}

impl TryFrom<&Row> for Cursor {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            event: row.integer("event")?,
            searched_at: Timestamp(row.integer("searched_at")?),
            searched_through: row.text("searched_through")?.to_owned(),
        })
    }
}
