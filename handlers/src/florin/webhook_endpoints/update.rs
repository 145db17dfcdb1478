//! `POST /v1/florin/webhook_endpoints/{webhook_endpoint}`

use domain::resource::Json;
use domain::webhook::{MOST_CONCURRENCY, MOST_PER_SECOND};
use domain::{ApiError, Patch};
use flows::{Failure, Platform, webhooks};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::florin::check_range;

/// Changes how a webhook endpoint is delivered to.
pub struct Update;

/// Whether events arrive in sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum Ordering {
    /// They do not.
    None,
    /// Those of one object do.
    Object,
}

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// How many deliveries it takes at the same time, 1 to 6.
    #[serde(default)]
    max_concurrency: Patch<i64>,
    /// How many deliveries it takes in a second, 1 to 1,000.
    #[serde(default)]
    max_per_second: Patch<i64>,
    /// Whether an object's events arrive in sequence.
    ordering: Option<Ordering>,
}

impl Endpoint for Update {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/florin/webhook_endpoints/{webhook_endpoint}";
    const RESOURCE: &'static str = "webhook_endpoint";
    const SHOWS: &'static str = "florin.webhook_endpoint";
    const OBJECT: &'static str = "florin.webhook_endpoint";
    type Parameters = Parameters;
    type Input = webhooks::Settings;

    fn check(given: Parameters) -> Result<webhooks::Settings, ApiError> {
        let Parameters { max_concurrency, max_per_second, ordering } = given;
        check_range("max_concurrency", max_concurrency.as_set(), 1, MOST_CONCURRENCY)?;
        check_range("max_per_second", max_per_second.as_set(), 1, MOST_PER_SECOND)?;
        let is_ordered = ordering.map(|ordering| ordering == Ordering::Object);
        Ok(webhooks::Settings { is_ordered, max_concurrency, max_per_second })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        let endpoint = webhooks::set(&call.context, call.id(), &input).await?;
        show(call, &endpoint, None).await
    }
}
