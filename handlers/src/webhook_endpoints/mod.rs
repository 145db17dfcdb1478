//! `/v1/webhook_endpoints`.

pub mod create;
pub mod delete;
pub mod list;
pub mod retrieve;
pub mod update;

use domain::resource::value;
use domain::resource::webhook_endpoint::Resource;
use domain::webhook::WebhookEndpoint;
use serde_json::Value;

/// The endpoint as merchants see it.
pub fn show(endpoint: &WebhookEndpoint) -> Value {
    value(&Resource::from(endpoint))
}
