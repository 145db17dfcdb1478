//! `GET /v1/webhook_endpoints/{webhook_endpoint}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, webhooks};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a webhook endpoint.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/webhook_endpoints/{webhook_endpoint}";
    const RESOURCE: &'static str = "webhook_endpoint";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&webhooks::find(&call.context, call.id()).await?))
    }
}
