//! `POST /v1/payment_methods/{payment_method}/detach`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, payment_methods};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Takes a payment method away from its customer.
pub struct Detach;

impl Endpoint for Detach {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/payment_methods/{payment_method}/detach";
    const RESOURCE: &'static str = "payment_method";
    type Parameters = Nothing;
    type Input = Nothing;

    fn check(parameters: Nothing) -> Result<Nothing, ApiError> {
        Ok(parameters)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, _: Nothing) -> Result<Json, Failure> {
        Ok(show(&payment_methods::detach(&call.context, call.id()).await?))
    }
}
