//! `GET /v1/customers/{customer}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, customers};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a customer, or what is left of a deleted one.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/customers/{customer}";
    const RESOURCE: &'static str = "customer";
    type Parameters = Nothing;
    type Input = Nothing;

    fn check(parameters: Nothing) -> Result<Nothing, ApiError> {
        Ok(parameters)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, _: Nothing) -> Result<Json, Failure> {
        Ok(show(&customers::find(&call.context, call.id()).await?))
    }
}
