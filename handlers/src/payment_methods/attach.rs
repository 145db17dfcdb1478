//! `POST /v1/payment_methods/{payment_method}/attach`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, payment_methods};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Makes a payment method a customer's.
pub struct Attach;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Who is to keep it.
    customer: String,
}

impl Endpoint for Attach {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/payment_methods/{payment_method}/attach";
    const RESOURCE: &'static str = "payment_method";
    type Parameters = Parameters;
    type Input = Parameters;

    fn check(parameters: Parameters) -> Result<Parameters, ApiError> {
        Ok(parameters)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Parameters) -> Result<Json, Failure> {
        Ok(show(&payment_methods::attach(&call.context, call.id(), &input.customer).await?))
    }
}
