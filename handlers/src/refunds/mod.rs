//! `/v1/refunds`.

pub mod cancel;
pub mod create;
pub mod list;
pub mod parameters;
pub mod retrieve;
pub mod update;

use domain::refund::Refund;
use domain::resource::{self, Json, json};

/// The refund as merchants see it.
pub fn show(refund: &Refund) -> Json {
    json(&resource::refund::Resource::from(refund))
}
