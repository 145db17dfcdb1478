//! `GET /v1/payment_intents/{intent}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, payment_intents};
use serde::Deserialize;

use super::{check_client_secret, show};
use crate::endpoint::{Call, Endpoint, Method};

/// Shows an intent; a customer's browser needs its client secret.
pub struct Retrieve;

/// The query.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The intent's client secret.
    client_secret: Option<String>,
}

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/payment_intents/{intent}";
    const RESOURCE: &'static str = "payment_intent";
    const PUBLISHABLE: bool = true;
    type Parameters = Parameters;
    type Input = Parameters;

    fn check(parameters: Parameters) -> Result<Parameters, ApiError> {
        Ok(parameters)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Parameters) -> Result<Json, Failure> {
        let intent = payment_intents::find(&call.context, call.id()).await?;
        check_client_secret(call, &intent, input.client_secret.as_deref())?;
        Ok(show(&intent))
    }
}
