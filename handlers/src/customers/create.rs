//! `POST /v1/customers`

use domain::ApiError;
use flows::{Failure, Platform, customers};
use serde_json::Value;

use super::parameters::customer_parameters;
use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Creates a customer.
pub struct Create;

customer_parameters! {
    /// The body.
    pub struct Parameters {
        /// A payment method that they keep from the start.
        payment_method: Option<String>,
    }
}

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/customers";
    const RESOURCE: &'static str = "customer";
    type Parameters = Parameters;
    type Input = customers::Create;

    fn check(parameters: Parameters) -> Result<customers::Create, ApiError> {
        let payment_method = parameters.payment_method.clone();
        let source = parameters.source.clone();
        Ok(customers::Create { changes: parameters.changes()?, payment_method, source })
    }

    async fn run<P: Platform>(
        call: &Call<'_, P>,
        input: customers::Create,
    ) -> Result<Value, Failure> {
        Ok(show(&customers::create(&call.context, &input).await?))
    }
}
