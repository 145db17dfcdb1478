//! `/v1/events`.

pub mod list;
pub mod retrieve;
pub mod retry;

use domain::resource::value;
use serde_json::Value;
use store::Inconsistent;
use store::events::Shown;

/// The event as merchants see it; its object is the one that was kept.
pub fn show(shown: &Shown) -> Result<Value, Inconsistent> {
    let data = shown.event.raw_data()?;
    Ok(value(&shown.event.resource(&data, shown.pending_webhooks)))
}
