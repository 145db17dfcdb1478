//! `POST /v1/customers/{customer}`

use domain::ApiError;
use flows::customers::{self, Changes};
use flows::{Failure, Platform};
use serde_json::Value;

use super::parameters::customer_parameters;
use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Changes what is known of a customer.
pub struct Update;

customer_parameters! {
    /// The body.
    pub struct Parameters {}
}

/// What is to change.
pub struct Input {
    changes: Changes,
    source: Option<String>,
}

impl Endpoint for Update {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/customers/{customer}";
    const RESOURCE: &'static str = "customer";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        let source = parameters.source.clone();
        Ok(Input { changes: parameters.changes()?, source })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Value, Failure> {
        let source = input.source.as_deref();
        Ok(show(&customers::update(&call.context, call.id(), &input.changes, source).await?))
    }
}
