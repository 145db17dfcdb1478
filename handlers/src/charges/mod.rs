//! `/v1/charges`.

pub mod capture;
pub mod create;
pub mod dispute;
pub mod list;
pub mod refund;
pub mod refunds;
pub mod retrieve;
pub mod search;
pub mod update;

use domain::charge::Charge;
use domain::resource::{self, Json, json};

/// The charge as merchants see it.
pub fn show(charge: &Charge) -> Json {
    json(&resource::charge::Resource::from(charge))
}
