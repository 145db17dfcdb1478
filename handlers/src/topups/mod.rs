//! `/v1/topups`.

pub mod cancel;
pub mod create;
pub mod list;
pub mod retrieve;
pub mod update;

use domain::resource::{self, value};
use domain::topup::Topup;
use serde_json::Value;

/// The top-up as merchants see it.
pub fn show(topup: &Topup) -> Value {
    value(&resource::topup::Resource::from(topup))
}
