//! `POST /v1/florin/connector_webhooks/{connector_webhook}/retry`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, connector_webhooks};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Tries again what was parked.
pub struct Retry;

impl Endpoint for Retry {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/florin/connector_webhooks/{connector_webhook}/retry";
    const RESOURCE: &'static str = "connector_webhook";
    const SHOWS: &'static str = "florin.connector_webhook";
    const OBJECT: &'static str = "florin.connector_webhook";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&connector_webhooks::retry(&call.context, call.id()).await?))
    }
}
