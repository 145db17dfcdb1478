//! Events: written with the change that they tell of, never changed.

use domain::id::EventId;
use domain::resource::event::{Request, Resource};
use domain::timestamp::Timestamp;
use serde_json::value::RawValue;

use crate::{Inconsistent, Row, Scope, Statement, values};

pub(crate) const INSERT: &str = "\
    INSERT INTO events (id, account, livemode, created, type, object, data, api_version, request, \
    idempotency_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

pub(crate) const FIND: &str =
    "SELECT * FROM events WHERE id = ?1 AND account = ?2 AND livemode = ?3";

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

/// Finds an event.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
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
