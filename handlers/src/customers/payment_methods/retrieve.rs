//! `GET /v1/customers/{customer}/payment_methods/{payment_method}`

use domain::ApiError;
use domain::customer::Customer;
use domain::payment_method::PaymentMethod;
use domain::resource::{self, Json, json};
use flows::context::first;
use flows::{Failure, Platform, customers, payment_methods};

use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a payment method that a customer keeps.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/customers/{customer}/payment_methods/{payment_method}";
    const RESOURCE: &'static str = "payment_method";
    type Parameters = Nothing;
    type Input = Nothing;

    fn check(parameters: Nothing) -> Result<Nothing, ApiError> {
        Ok(parameters)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, _: Nothing) -> Result<Json, Failure> {
        let scope = &call.context.scope;
        let id = call.path.get(1).map_or("", String::as_str);
        let statements =
            vec![store::customers::find(scope, call.id()), store::payment_methods::find(scope, id)];
        let results = call.context.batch(statements).await?;
        let customer: Option<Customer> = first(&results, 0)?;
        let customer = customer
            .filter(|customer| !customer.deleted)
            .ok_or_else(|| customers::no_such_in_path(call.id()))?;
        let method: Option<PaymentMethod> = first(&results, 1)?;
        let method = method
            .filter(|method| method.customer.as_ref() == Some(&customer.id))
            .ok_or_else(|| payment_methods::no_such_in_path(id))?;
        Ok(json(&resource::payment_method::Resource::from(&method)))
    }
}
