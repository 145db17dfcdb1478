//! `GET /v1/setup_intents/{setup_intent}`

use domain::ApiError;
use domain::resource::{self, value};
use flows::{Failure, Platform, setup_intents};
use serde_json::Value;

use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a setup intent.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/setup_intents/{setup_intent}";
    const RESOURCE: &'static str = "setup_intent";
    type Parameters = Nothing;
    type Input = Nothing;

    fn check(parameters: Nothing) -> Result<Nothing, ApiError> {
        Ok(parameters)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, _: Nothing) -> Result<Value, Failure> {
        let intent = setup_intents::find(&call.context, call.id()).await?;
        Ok(value(&resource::setup_intent::Resource::from(&intent)))
    }
}
