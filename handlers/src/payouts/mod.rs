//! `/v1/payouts`.

pub mod cancel;
pub mod create;
pub mod list;
pub mod retrieve;
pub mod reverse;
pub mod update;

use domain::payout::Payout;
use domain::resource::{self, Json, json};

/// The payout as merchants see it.
pub fn show(payout: &Payout) -> Json {
    json(&resource::payout::Resource::from(payout))
}
