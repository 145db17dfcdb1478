//! `GET /v1/customers`

use domain::ApiError;
use domain::customer::Customer;
use domain::resource::Json;
use flows::{Failure, Platform};
use store::list::{Filter, Page, Table};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// Lists customers.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {
        /// Where they read mail, letter for letter.
        email: Option<String>,
        /// The test clock that they live by.
        test_clock: Option<String>,
    }
}

/// The page that is asked for.
pub struct Input {
    filters: Vec<Filter>,
    page: Page,
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/customers";
    const RESOURCE: &'static str = "customer";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        let page = parameters.page()?;
        let filter = parameters.email.map_or(Filter::Nothing, Filter::Email);
        // There are no test clocks, and so no customers who live by one.
        let filters = if parameters.test_clock.is_some() { Vec::new() } else { vec![filter] };
        Ok(Input { filters, page })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        list::show(call, Table::Customers, &input.filters, &input.page, |row| {
            Ok(show(&Customer::try_from(row)?))
        })
        .await
    }
}
