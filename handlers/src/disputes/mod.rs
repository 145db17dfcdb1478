//! `/v1/disputes`.

pub mod close;
pub mod list;
pub mod retrieve;
pub mod update;

use domain::dispute::Dispute;
use domain::resource::{self, value};
use domain::timestamp::Timestamp;
use serde_json::Value;

/// The dispute as merchants see it at a moment.
pub fn show(dispute: &Dispute, now: Timestamp) -> Value {
    value(&resource::dispute::Resource::new(dispute, now))
}
