//! `GET /v1/refunds`

use domain::ApiError;
use domain::refund::Refund;
use domain::resource::Json;
use flows::{Failure, Platform};
use store::list::{Filter, Page, Table};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// Lists refunds.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {
        /// What they give back.
        charge: Option<String>,
        /// Whose charge they give back.
        payment_intent: Option<String>,
    }
}

/// The page that is asked for.
pub struct Input {
    filter: Filter,
    page: Page,
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/refunds";
    const RESOURCE: &'static str = "refund";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        let page = parameters.page()?;
        let filters = [
            parameters.charge.map(Filter::Charge),
            parameters.payment_intent.map(Filter::PaymentIntent),
        ];
        Ok(Input { filter: Filter::all(filters.into_iter().flatten()), page })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        list::show(call, Table::Refunds, &[input.filter], &input.page, |row| {
            Ok(show(&Refund::try_from(row)?))
        })
        .await
    }
}
