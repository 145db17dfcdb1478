//! `/v1/transfers`.

pub mod create;
pub mod list;
pub mod retrieve;
pub mod reversals;
pub mod update;

use domain::resource::{self, Json, json};
use domain::transfer::Transfer;

/// The transfer as merchants see it.
pub fn show(transfer: &Transfer) -> Json {
    json(&resource::transfer::Resource::from(transfer))
}
