//! `GET /v1/customers/search`

use domain::ApiError;
use domain::customer::Customer;
use domain::resource::{self, Json, json};
use domain::search::Searched;
use flows::{Failure, Platform};

use crate::endpoint::{Call, Endpoint, Method};
use crate::search::{self, Input, Parameters};

/// Searches customers.
pub struct Search;

impl Endpoint for Search {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/customers/search";
    const RESOURCE: &'static str = "customer";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        parameters.check(Searched::Customers)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        search::show(call, &input, |customer: &Customer| {
            json(&resource::customer::Resource::from(customer))
        })
        .await
    }
}
