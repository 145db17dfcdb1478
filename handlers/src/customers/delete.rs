//! `DELETE /v1/customers/{customer}`

use domain::ApiError;
use flows::{Failure, Platform, customers};
use serde_json::Value;

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Deletes a customer.
pub struct Delete;

impl Endpoint for Delete {
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/v1/customers/{customer}";
    const RESOURCE: &'static str = "customer";
    type Parameters = Nothing;
    type Input = Nothing;

    fn check(parameters: Nothing) -> Result<Nothing, ApiError> {
        Ok(parameters)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, _: Nothing) -> Result<Value, Failure> {
        Ok(show(&customers::delete(&call.context, call.id()).await?))
    }
}
