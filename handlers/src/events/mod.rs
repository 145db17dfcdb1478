//! `/v1/events`.

pub mod list;
pub mod retrieve;
pub mod retry;

use domain::resource::{Json, json};
use store::Inconsistent;
use store::events::Shown;

/// The event as merchants see it; its object is the one that was kept.
pub fn show(shown: &Shown) -> Result<Json, Inconsistent> {
    let data = shown.event.raw_data()?;
    Ok(json(&shown.event.resource(&data, shown.pending_webhooks)))
}
