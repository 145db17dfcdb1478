//! `POST /v1/webhook_endpoints/{webhook_endpoint}`

use domain::metadata::MetadataUpdate;
use domain::resource::Json;
use domain::{ApiError, Patch};
use flows::{Failure, Platform, webhooks};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Updates a webhook endpoint.
pub struct Update;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// For people.
    #[serde(default)]
    description: Patch<String>,
    /// Whether nothing is sent to it.
    disabled: Option<bool>,
    /// The types of events, `*` for all of them, or as `charge.*`.
    enabled_events: Option<Vec<String>>,
    /// Changes to the merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
    /// Where events go.
    url: Option<String>,
}

impl Endpoint for Update {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/webhook_endpoints/{webhook_endpoint}";
    const RESOURCE: &'static str = "webhook_endpoint";
    type Parameters = Parameters;
    type Input = webhooks::Update;

    fn check(parameters: Parameters) -> Result<webhooks::Update, ApiError> {
        if let Some(events) = &parameters.enabled_events {
            webhooks::check_events(events)?;
        }
        Ok(webhooks::Update {
            url: parameters.url,
            enabled_events: parameters.enabled_events,
            disabled: parameters.disabled,
            description: parameters.description,
            metadata: parameters.metadata,
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        Ok(show(&webhooks::update(&call.context, call.id(), &input).await?))
    }
}
