//! `GET /v1/florin/connector_webhooks/{connector_webhook}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, connector_webhooks};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows what a payment processor told unasked.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/florin/connector_webhooks/{connector_webhook}";
    const RESOURCE: &'static str = "connector_webhook";
    const SHOWS: &'static str = "florin.connector_webhook";
    const OBJECT: &'static str = "florin.connector_webhook";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&connector_webhooks::find(&call.context, call.id()).await?))
    }
}
