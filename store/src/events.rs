//! Events: written with the change that they tell of, never changed.

use domain::id::EventId;
use domain::resource::event::{Request, Resource};
use domain::timestamp::Timestamp;
use serde_json::value::RawValue;

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, values};

pub(crate) const INSERT: &str = "\
    INSERT INTO events (id, account, livemode, created, type, object, data, api_version, request, \
    idempotency_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

pub(crate) const FIND: &str =
    "SELECT * FROM events WHERE id = ?1 AND account = ?2 AND livemode = ?3";

/// How many endpoints an event of the outer query has not reached: those that it is on its way to, those
/// that it will never come to, and those that will hear of it once it is handed out. GLOB would refuse the names
/// that are longer than 50 bytes, which is all that D1 takes for a pattern.
macro_rules! pending_webhooks {
    () => {
        "(SELECT COUNT(*) FROM webhook_endpoints AS hears INDEXED BY webhook_endpoints_living \
         LEFT JOIN deliveries AS waits ON waits.endpoint = hears.id AND waits.event = events.sequence \
         WHERE hears.account = events.account AND hears.livemode = events.livemode \
         AND hears.status <> 'deleted' AND CASE WHEN waits.state IS NULL \
         THEN hears.status = 'enabled' AND events.sequence > hears.since_event \
         AND events.sequence > (SELECT event FROM fan_out WHERE id = 1) \
         AND EXISTS (SELECT 1 FROM json_each(hears.details, '$.enabled_events') \
         WHERE value = events.type OR value = substr(events.type, 1, length(value) - 1) || '*') \
         ELSE waits.state <> 'succeeded' END)"
    };
}
pub(crate) use pending_webhooks;

/// How many endpoints have yet to take an event, as lists are narrowed by it.
pub(crate) const PENDING_WEBHOOKS: &str = pending_webhooks!();

/// What is read of an event that is shown.
pub(crate) const COLUMNS: &str = concat!("*, ", pending_webhooks!(), " AS pending_webhooks");

pub(crate) const SHOW: &str = concat!(
    "SELECT *, ",
    pending_webhooks!(),
    " AS pending_webhooks FROM events WHERE id = ?1 AND account = ?2 AND livemode = ?3"
);

pub(crate) const SHOW_ALL: &str = concat!(
    "SELECT *, ",
    pending_webhooks!(),
    " AS pending_webhooks FROM events WHERE sequence IN (SELECT value FROM json_each(?1)) \
     ORDER BY sequence DESC"
);

pub(crate) const SEQUENCE: &str =
    "SELECT sequence FROM events WHERE id = ?1 AND account = ?2 AND livemode = ?3";

pub(crate) const FIRST_SINCE: &str = "\
    SELECT sequence FROM events INDEXED BY events_by_account \
    WHERE account = ?1 AND livemode = ?2 AND created >= ?3 ORDER BY created, sequence LIMIT 1";

pub(crate) const LAST_UNTIL: &str = "\
    SELECT sequence FROM events INDEXED BY events_by_account \
    WHERE account = ?1 AND livemode = ?2 AND created <= ?3 \
    ORDER BY created DESC, sequence DESC LIMIT 1";

/// An event as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its identifier.
    pub id: EventId,
    /// When it happened.
    pub created: Timestamp,
    /// Whether it is about real money.
    pub livemode: bool,
    /// Its type, as `charge.succeeded`.
    pub event_type: String,
    /// The object that it is about.
    pub object: String,
    /// The object as it was, and the old values of what changed, as JSON.
    pub data: String,
    /// The API version of that JSON.
    pub api_version: String,
    /// The request that caused it, unless nobody's did.
    pub request: Option<String>,
    /// That request's idempotency key.
    pub idempotency_key: Option<String>,
}

impl Event {
    /// The event's data as it was kept, for [`Event::resource`].
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn raw_data(&self) -> Result<Box<RawValue>, Inconsistent> {
        RawValue::from_string(self.data.clone())
            .map_err(|error| Inconsistent { column: "data", problem: error.to_string() })
    }

    /// The event as merchants see it, on its way to so many endpoints.
    pub fn resource<'a>(&'a self, data: &'a RawValue, pending_webhooks: i64) -> Resource<'a> {
        Resource {
            id: self.id.as_str(),
            object: "event",
            api_version: &self.api_version,
            created: self.created,
            data,
            livemode: self.livemode,
            pending_webhooks,
            request: Request {
                id: self.request.as_deref(),
                idempotency_key: self.idempotency_key.as_deref(),
            },
            r#type: &self.event_type,
        }
    }
}

/// An event, and how many endpoints have yet to take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The event.
    pub event: Event,
    /// How many endpoints.
    pub pending_webhooks: i64,
}

/// Writes a new event.
pub fn insert(scope: &Scope, event: &Event) -> Statement {
    Statement::new(
        INSERT,
        values![
            event.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            event.created.seconds(),
            event.event_type.as_str(),
            event.object.as_str(),
            event.data.as_str(),
            event.api_version.as_str(),
            event.request.as_deref(),
            event.idempotency_key.as_deref(),
        ],
    )
}

/// Finds an event, and how many endpoints have yet to take it.
pub fn find_shown(scope: &Scope, id: &str) -> Statement {
    Statement::new(SHOW, values![id, scope.account.as_str(), scope.livemode])
}

/// Finds events by their sequences, the newest first, and how many endpoints have yet to take each.
pub fn find_all_shown(sequences: &[i64]) -> Statement {
    Statement::new(SHOW_ALL, values![json(&sequences)])
}

/// Finds the sequence of an event.
pub fn sequence(scope: &Scope, id: &str) -> Statement {
    Statement::new(SEQUENCE, values![id, scope.account.as_str(), scope.livemode])
}

/// Finds the sequence of the first event since a second.
pub fn first_since(scope: &Scope, second: i64) -> Statement {
    Statement::new(FIRST_SINCE, values![scope.account.as_str(), scope.livemode, second])
}

/// Finds the sequence of the last event until a second.
pub fn last_until(scope: &Scope, second: i64) -> Statement {
    Statement::new(LAST_UNTIL, values![scope.account.as_str(), scope.livemode, second])
}

/// Finds an event.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

impl TryFrom<&Row> for Shown {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            event: Event::try_from(row)?,
            pending_webhooks: row.integer("pending_webhooks")?,
        })
    }
}

impl TryFrom<&Row> for Event {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named("id")?,
            created: Timestamp(row.integer("created")?),
            livemode: row.flag("livemode")?,
            event_type: row.text("type")?.to_owned(),
            object: row.text("object")?.to_owned(),
            data: row.text("data")?.to_owned(),
            api_version: row.text("api_version")?.to_owned(),
            request: row.optional_text("request")?.map(str::to_owned),
            idempotency_key: row.optional_text("idempotency_key")?.map(str::to_owned),
        })
    }
}
