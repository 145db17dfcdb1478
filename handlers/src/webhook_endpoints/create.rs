//! `POST /v1/webhook_endpoints`

use domain::metadata::MetadataUpdate;
use domain::resource::webhook_endpoint::Resource;
use domain::resource::{Json, json};
use domain::{ApiError, Patch};
use flows::{Failure, Platform, webhooks};
use serde::Deserialize;

use crate::endpoint::{Call, Endpoint, Method};
use crate::payment_methods::parameters::new_metadata;
use crate::version;

/// Creates a webhook endpoint.
pub struct Create;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The API version that its owner asks for; events come in today's shape whatever it is.
    api_version: Option<String>,
    /// Whether it hears of connected accounts; there are none.
    connect: Option<bool>,
    /// For people.
    #[serde(default)]
    description: Patch<String>,
    /// The types of events, `*` for all of them, or as `charge.*`.
    enabled_events: Vec<String>,
    /// The merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
    /// Where events go.
    url: String,
}

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/webhook_endpoints";
    const RESOURCE: &'static str = "webhook_endpoint";
    type Parameters = Parameters;
    type Input = webhooks::Create;

    fn check(parameters: Parameters) -> Result<webhooks::Create, ApiError> {
        webhooks::check_events(&parameters.enabled_events)?;
        version::requested(parameters.api_version.as_deref())?;
        if parameters.connect == Some(true) {
            return Err(ApiError::ParameterInvalid {
                param: "connect".to_owned(),
                message: "There are no connected accounts to hear of.".to_owned(),
            });
        }
        Ok(webhooks::Create {
            url: parameters.url,
            enabled_events: parameters.enabled_events,
            api_version: parameters.api_version,
            description: parameters.description.into_option(),
            metadata: new_metadata(parameters.metadata.as_ref())?,
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        let (endpoint, secret) = webhooks::create(&call.context, &input).await?;
        Ok(json(&Resource { secret: Some(&secret), ..Resource::from(&endpoint) }))
    }
}
