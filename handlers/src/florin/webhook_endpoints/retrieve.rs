//! `GET /v1/florin/webhook_endpoints/{webhook_endpoint}`

use domain::ApiError;
use flows::{Failure, Platform, webhooks};
use serde_json::Value;

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows how a webhook endpoint is delivered to, and how that fares.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/florin/webhook_endpoints/{webhook_endpoint}";
    const RESOURCE: &'static str = "webhook_endpoint";
    const SHOWS: &'static str = "florin.webhook_endpoint";
    const OBJECT: &'static str = "florin.webhook_endpoint";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Value, Failure> {
        let endpoint = webhooks::find(&call.context, call.id()).await?;
        show(call, &endpoint, None).await
    }
}
