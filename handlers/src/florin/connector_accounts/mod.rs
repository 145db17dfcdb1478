//! `/v1/florin/connector_accounts`.

pub mod create;
pub mod delete;
pub mod list;
pub mod retrieve;
pub mod update;

use domain::connector_account::ConnectorAccount;
use domain::resource::florin::ConnectorAccountResource;
use domain::resource::{Json, json};

/// The account as its owner sees it: without what opens it.
fn show(account: &ConnectorAccount) -> Json {
    json(&ConnectorAccountResource::from(account))
}
