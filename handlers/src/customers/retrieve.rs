//! `GET /v1/customers/{customer}`

use domain::ApiError;
use flows::{Failure, Platform, customers};
use serde_json::Value;

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

    async fn run<P: Platform>(call: &Call<'_, P>, _: Nothing) -> Result<Value, Failure> {
        Ok(show(&customers::find(&call.context, call.id()).await?))
    }
}
