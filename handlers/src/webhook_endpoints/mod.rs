//! `/v1/webhook_endpoints`.

pub mod create;
pub mod delete;
pub mod list;
pub mod retrieve;
pub mod update;

use domain::resource::webhook_endpoint::Resource;
use domain::resource::{Json, json};
use domain::webhook::WebhookEndpoint;

/// The endpoint as merchants see it.
pub fn show(endpoint: &WebhookEndpoint) -> Json {
    json(&Resource::from(endpoint))
}
