//! `GET /v1/florin/payment_attempts/{payment_attempt}`

use domain::ApiError;
use flows::{Failure, Platform, payment_attempts};
use serde_json::Value;

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows an attempt at a processor.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/florin/payment_attempts/{payment_attempt}";
    const RESOURCE: &'static str = "payment_attempt";
    const SHOWS: &'static str = "florin.payment_attempt";
    const OBJECT: &'static str = "florin.payment_attempt";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Value, Failure> {
        Ok(show(&payment_attempts::find(&call.context, call.id()).await?))
    }
}
