//! `/v1/payouts`.

pub mod cancel;
pub mod create;
pub mod list;
pub mod retrieve;
pub mod reverse;
pub mod update;

use domain::payout::Payout;
use domain::resource::{self, value};
use serde_json::Value;

/// The payout as merchants see it.
pub fn show(payout: &Payout) -> Value {
    value(&resource::payout::Resource::from(payout))
}
