//! `/v1/transfers`.

pub mod create;
pub mod list;
pub mod retrieve;
pub mod reversals;
pub mod update;

use domain::resource::{self, value};
use domain::transfer::Transfer;
use serde_json::Value;

/// The transfer as merchants see it.
pub fn show(transfer: &Transfer) -> Value {
    value(&resource::transfer::Resource::from(transfer))
}
