//! `/v1/events`.

pub mod list;
pub mod retrieve;

use domain::resource::event::{Request, Resource};
use domain::resource::value;
use serde_json::Value;
use serde_json::value::RawValue;
use store::Inconsistent;
use store::events::Event;

/// The event as merchants see it; its object is the one that was kept.
pub fn show(event: &Event) -> Result<Value, Inconsistent> {
    let data: Box<RawValue> = RawValue::from_string(event.data.clone())
        .map_err(|error| Inconsistent { column: "data", problem: error.to_string() })?;
    Ok(value(&Resource {
        id: event.id.as_str(),
        object: "event",
        api_version: &event.api_version,
        created: event.created,
        data: &data,
        livemode: event.livemode,
        pending_webhooks: 0,
        request: Request {
            id: event.request.as_deref(),
            idempotency_key: event.idempotency_key.as_deref(),
        },
        r#type: &event.event_type,
    }))
}
