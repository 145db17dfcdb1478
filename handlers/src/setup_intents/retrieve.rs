//! `GET /v1/setup_intents/{setup_intent}`

use domain::ApiError;
use domain::resource::{self, Json, json};
use flows::{Failure, Platform, setup_intents};
use serde::Deserialize;

use crate::client_secret;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a setup intent.
pub struct Retrieve;

/// The query.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The setup intent's client secret.
    client_secret: Option<String>,
}

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/setup_intents/{setup_intent}";
    const RESOURCE: &'static str = "setup_intent";
    type Parameters = Parameters;
    type Input = Parameters;

    fn check(parameters: Parameters) -> Result<Parameters, ApiError> {
        Ok(parameters)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Parameters) -> Result<Json, Failure> {
        let intent = setup_intents::find(&call.context, call.id()).await?;
        let (given, secret) = (input.client_secret.as_deref(), &intent.details.client_secret);
        client_secret::check(call, given, secret, "SetupIntent", intent.id.as_str())?;
        Ok(json(&resource::setup_intent::Resource::from(&intent)))
    }
}
