//! `POST /v1/florin/payment_attempts/{payment_attempt}/resolve`

use domain::ApiError;
use domain::attempt::Found;
use domain::resource::Json;
use flows::{Failure, Platform, payment_attempts};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Resolves an attempt that was left to a person, who looked at it at its processor.
pub struct Resolve;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Why, and what was done by hand.
    note: String,
    /// What was found: `succeeded`, `failed` or `not_received`; `handled` where only something was left to do.
    outcome: Found,
    /// The processor's own reference of the payment or refund, where it is not known yet.
    processor_reference: Option<String>,
}

impl Endpoint for Resolve {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/florin/payment_attempts/{payment_attempt}/resolve";
    const RESOURCE: &'static str = "payment_attempt";
    const SHOWS: &'static str = "florin.payment_attempt";
    const OBJECT: &'static str = "florin.payment_attempt";
    type Parameters = Parameters;
    type Input = payment_attempts::Resolve;

    fn check(given: Parameters) -> Result<payment_attempts::Resolve, ApiError> {
        let Parameters { note, outcome, processor_reference: reference } = given;
        let resolve = payment_attempts::Resolve { outcome, reference, note };
        resolve.check()?;
        Ok(resolve)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        let by = &call.key.display;
        Ok(show(&payment_attempts::resolve(&call.context, call.id(), &input, by).await?))
    }
}
