//! `GET /v1/customers`

use domain::ApiError;
use domain::customer::Customer;
use flows::{Failure, Platform};
use serde_json::Value;
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
    }
}

/// The page that is asked for.
pub struct Input {
    filter: Filter,
    page: Page,
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/customers";
    const RESOURCE: &'static str = "customer";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        Ok(Input {
            page: parameters.page()?,
            filter: parameters.email.map_or(Filter::Nothing, Filter::Email),
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Value, Failure> {
        list::show(call, Table::Customers, &[input.filter], &input.page, |row| {
            Ok(show(&Customer::try_from(row)?))
        })
        .await
    }
}
