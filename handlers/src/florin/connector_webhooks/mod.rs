//! `/v1/florin/connector_webhooks`.

pub mod list;
pub mod retrieve;
pub mod retry;

use domain::connector_webhook::ConnectorWebhook;
use domain::resource::florin::ConnectorWebhookResource;
use domain::resource::{Json, json};

/// What a processor told, without what it said of who paid.
fn show(webhook: &ConnectorWebhook) -> Json {
    json(&ConnectorWebhookResource::from(webhook))
}
