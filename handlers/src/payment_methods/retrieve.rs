//! `GET /v1/payment_methods/{payment_method}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, payment_methods};

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

    async fn run<P: Platform>(call: &Call<'_, P>, _: Nothing) -> Result<Json, Failure> {
        Ok(show(&payment_methods::find(&call.context, call.id()).await?))
    }
}
