//! The `event` object.

use serde::Serialize;
use serde_json::value::RawValue;

use super::Constant;
use crate::timestamp::Timestamp;

/// The `event` object (<https://docs.stripe.com/api/events/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "event"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub api_version: &'a str,
    pub created: Timestamp,
    /// The object as it was, and the old values of what changed.
    #[cfg_attr(feature = "openapi", schemars(with = "serde_json::Value"))]
    pub data: &'a RawValue,
    pub livemode: bool,
    pub pending_webhooks: i64,
    pub request: Request<'a>,
    pub r#type: &'a str,
}

/// The request that caused an event; empty where nobody's request did.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "event_request"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Request<'a> {
    pub id: Option<&'a str>,
    pub idempotency_key: Option<&'a str>,
}
