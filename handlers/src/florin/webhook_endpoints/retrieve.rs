//! `GET /v1/florin/webhook_endpoints/{webhook_endpoint}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, webhooks};

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

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        let endpoint = webhooks::find(&call.context, call.id()).await?;
        show(call, &endpoint, None).await
    }
}
