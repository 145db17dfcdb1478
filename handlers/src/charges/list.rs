//! `GET /v1/charges`

use domain::ApiError;
use domain::charge::Charge;
use domain::resource::Json;
use flows::{Failure, Platform};
use store::list::{Filter, Page, Table};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// Lists charges.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {
        /// Who paid.
        customer: Option<String>,
        /// What they were made for.
        payment_intent: Option<String>,
        /// The group that they belong to.
        transfer_group: Option<String>,
    }
}

/// The page that is asked for.
pub struct Input {
    filter: Filter,
    page: Page,
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/charges";
    const RESOURCE: &'static str = "charge";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        let page = parameters.page()?;
        // The narrowest first: an intent has few charges, a group some, a customer many.
        let filters = [
            parameters.payment_intent.map(Filter::PaymentIntent),
            parameters.transfer_group.map(Filter::TransferGroup),
            parameters.customer.map(Filter::Customer),
        ];
        Ok(Input { filter: Filter::all(filters.into_iter().flatten()), page })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        list::show(call, Table::Charges, &[input.filter], &input.page, |row| {
            Ok(show(&Charge::try_from(row)?))
        })
        .await
    }
}
