//! `/v1/events`.

pub mod list;
pub mod retrieve;

use domain::resource::value;
use serde_json::Value;
use store::Inconsistent;
use store::events::Event;

/// The event as merchants see it; its object is the one that was kept. Endpoints that still wait for it are
/// counted only in what is sent to them.
pub fn show(event: &Event) -> Result<Value, Inconsistent> {
    let data = event.raw_data()?;
    Ok(value(&event.resource(&data, 0)))
}
