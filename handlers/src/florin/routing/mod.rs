//! `/v1/florin/routing`.

pub mod dry_run;
pub mod publish;
pub mod retrieve;
pub mod versions;

use domain::resource::routing::Resource;
use domain::resource::{Json, json};
use domain::routing::Routing;

/// A version as its owner sees it.
fn show(routing: &Routing) -> Json {
    json(&Resource::from(routing))
}
