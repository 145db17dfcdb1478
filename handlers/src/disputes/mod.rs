//! `/v1/disputes`.

pub mod close;
pub mod list;
pub mod retrieve;
pub mod update;

use domain::dispute::Dispute;
use domain::resource::{self, Json, json};
use domain::timestamp::Timestamp;

/// The dispute as merchants see it at a moment.
pub fn show(dispute: &Dispute, now: Timestamp) -> Json {
    json(&resource::dispute::Resource::new(dispute, now))
}
