//! `POST /v1/customers`

use domain::resource::Json;
use domain::{ApiError, Patch};
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
        /// The ids that tax offices know them by; there are none to keep.
        #[serde(default)]
        tax_id_data: Patch<Vec<Value>>,
    }
}

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/customers";
    const RESOURCE: &'static str = "customer";
    type Parameters = Parameters;
    type Input = customers::Create;

    fn check(parameters: Parameters) -> Result<customers::Create, ApiError> {
        if parameters.tax_id_data.as_set().is_some_and(|ids| !ids.is_empty()) {
            return Err(ApiError::ParameterInvalid {
                param: "tax_id_data".to_owned(),
                message: "Tax IDs of customers are not kept: there are no invoices to show them."
                    .to_owned(),
            });
        }
        let payment_method = parameters.payment_method.clone();
        let source = parameters.source.clone();
        Ok(customers::Create { changes: parameters.changes()?, payment_method, source })
    }

    async fn run<P: Platform>(
        call: &Call<'_, P>,
        input: customers::Create,
    ) -> Result<Json, Failure> {
        Ok(show(&customers::create(&call.context, &input).await?))
    }
}
