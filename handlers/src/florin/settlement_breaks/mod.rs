//! `/v1/florin/settlement_breaks`.

pub mod list;
pub mod resolve;
pub mod retrieve;

use domain::resource::settlement::SettlementBreakResource;
use domain::resource::{Json, json};
use domain::settlement::Break;

fn show(found: &Break) -> Json {
    json(&SettlementBreakResource::from(found))
}
