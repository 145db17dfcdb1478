//! `POST /v1/florin/webhook_endpoints/{webhook_endpoint}/roll`

use domain::ApiError;
use domain::resource::Json;
use domain::webhook::LONGEST_OVERLAP;
use flows::{Failure, Platform, webhooks};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::florin::check_range;

/// Has a new secret sign the deliveries to a webhook endpoint.
pub struct Roll;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// For how many seconds the secret before goes on signing beside the new one, 0 to 86,400; 0 unless said.
    expires_in: Option<i64>,
}

impl Endpoint for Roll {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/florin/webhook_endpoints/{webhook_endpoint}/roll";
    const RESOURCE: &'static str = "webhook_endpoint";
    const SHOWS: &'static str = "florin.webhook_endpoint";
    const OBJECT: &'static str = "florin.webhook_endpoint";
    type Parameters = Parameters;
    type Input = i64;

    fn check(Parameters { expires_in }: Parameters) -> Result<i64, ApiError> {
        check_range("expires_in", expires_in.as_ref(), 0, LONGEST_OVERLAP)?;
        Ok(expires_in.unwrap_or(0))
    }

    async fn run<P: Platform>(call: &Call<'_, P>, overlap: i64) -> Result<Json, Failure> {
        let (endpoint, secret) = webhooks::roll(&call.context, call.id(), overlap).await?;
        show(call, &endpoint, Some(&secret)).await
    }
}
