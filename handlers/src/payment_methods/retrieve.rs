//! `GET /v1/payment_methods/{payment_method}`

use domain::ApiError;
use flows::{Failure, Platform, payment_methods};
use serde_json::Value;

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a payment method.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/payment_methods/{payment_method}";
    const RESOURCE: &'static str = "payment_method";
    type Parameters = Nothing;
    type Input = Nothing;

    fn check(parameters: Nothing) -> Result<Nothing, ApiError> {
        Ok(parameters)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, _: Nothing) -> Result<Value, Failure> {
        Ok(show(&payment_methods::find(&call.context, call.id()).await?))
    }
}
