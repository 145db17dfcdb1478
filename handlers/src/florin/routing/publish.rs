//! `POST /v1/florin/routing`

use domain::ApiError;
use domain::resource::Json;
use domain::routing::{Document, Rule, Use};
use flows::{Failure, Platform, routing};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Publishes where payments go from now on, as a new version.
pub struct Publish;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Where payments go that no rule matches.
    default: Use,
    /// How often one payment is tried at most, 1 to 3; 2 unless said.
    max_attempts: Option<i64>,
    /// The version that is known to count, 0 where none was published: it is refused where another one does.
    replaces: Option<i64>,
    /// Whether a decline that another processor may see otherwise is a reason for another try.
    retry_declines: Option<bool>,
    /// Looked at in their order; the first that matches decides.
    rules: Option<Vec<Rule>>,
    /// Whether a card whose issuer wants to see the cardholder is tried once more with a challenge; so it is unless
    /// said.
    step_up: Option<bool>,
}

impl Endpoint for Publish {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/florin/routing";
    const RESOURCE: &'static str = "routing";
    const SHOWS: &'static str = "florin.routing";
    const OBJECT: &'static str = "florin.routing";
    type Parameters = Parameters;
    type Input = (Document, Option<i64>);

    fn check(given: Parameters) -> Result<Self::Input, ApiError> {
        let document = Document {
            rules: given.rules.unwrap_or_default(),
            default: given.default,
            max_attempts: given.max_attempts.unwrap_or(2),
            retry_declines: given.retry_declines.unwrap_or(false),
            step_up: given.step_up.unwrap_or(true),
        };
        document.check()?;
        Ok((document, given.replaces))
    }

    async fn run<P: Platform>(
        call: &Call<'_, P>,
        (document, replaces): Self::Input,
    ) -> Result<Json, Failure> {
        Ok(show(&routing::publish(&call.context, &document, replaces).await?))
    }
}
