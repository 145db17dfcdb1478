//! `GET /v1/florin/payment_attempts/{payment_attempt}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, payment_attempts};

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

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&payment_attempts::find(&call.context, call.id()).await?))
    }
}
