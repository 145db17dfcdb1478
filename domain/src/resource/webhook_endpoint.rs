//! The `webhook_endpoint` object.

use serde::Serialize;

use super::Constant;
use crate::metadata::Metadata;
use crate::timestamp::Timestamp;
use crate::webhook::{Status, WebhookEndpoint};

/// The `webhook_endpoint` object (<https://docs.stripe.com/api/webhook_endpoints/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "webhook_endpoint")
)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub api_version: Option<&'a str>,
    pub application: Option<Constant>,
    pub created: Timestamp,
    pub description: Option<&'a str>,
    pub enabled_events: &'a [String],
    pub livemode: bool,
    pub metadata: &'a Metadata,
    /// What signs deliveries; shown only when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<&'a str>,
    pub status: Constant,
    pub url: &'a str,
}

impl<'a> From<&'a WebhookEndpoint> for Resource<'a> {
    fn from(endpoint: &'a WebhookEndpoint) -> Self {
        let details = &endpoint.details;
        Self {
            id: endpoint.id.as_str(),
            object: "webhook_endpoint",
            api_version: details.api_version.as_deref(),
            application: None,
            created: endpoint.created,
            description: details.description.as_deref(),
            enabled_events: &details.enabled_events,
            livemode: endpoint.livemode,
            metadata: &details.metadata,
            secret: None,
            status: match endpoint.status {
                Status::Enabled => "enabled",
                Status::Disabled | Status::Deleted => "disabled",
            },
            url: &endpoint.url,
        }
    }
}

/// What is left of a `webhook_endpoint` that was deleted.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "deleted_webhook_endpoint")
)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Deleted<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub deleted: bool,
}
