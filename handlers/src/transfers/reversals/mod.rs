//! `/v1/transfers/{transfer}/reversals`: what came back of one transfer.

pub mod create;
pub mod list;
pub mod retrieve;
pub mod update;

use domain::resource::{self, Json, json};
use domain::transfer::TransferReversal;

use crate::endpoint::Call;

/// The reversal as merchants see it.
pub fn show(reversal: &TransferReversal) -> Json {
    json(&resource::transfer::ReversalResource::from(reversal))
}

/// The reversal in the path.
fn named<'c, P>(call: &'c Call<'_, P>) -> &'c str {
    call.path.get(1).map_or("", String::as_str)
}
