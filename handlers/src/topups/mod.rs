//! `/v1/topups`.

pub mod cancel;
pub mod create;
pub mod list;
pub mod retrieve;
pub mod update;

use domain::resource::{self, Json, json};
use domain::topup::Topup;

/// The top-up as merchants see it.
pub fn show(topup: &Topup) -> Json {
    json(&resource::topup::Resource::from(topup))
}
