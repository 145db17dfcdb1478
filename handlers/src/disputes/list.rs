//! `GET /v1/disputes`

use domain::ApiError;
use domain::dispute::Dispute;
use flows::{Failure, Platform};
use serde_json::Value;
use store::list::{Filter, Page, Table};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// Lists disputes.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {
        /// What was paid.
        charge: Option<String>,
        /// What was paid for by it.
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
    const PATH: &'static str = "/v1/disputes";
    const RESOURCE: &'static str = "dispute";
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

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Value, Failure> {
        let now = call.context.now;
        list::show(call, Table::Disputes, &[input.filter], &input.page, |row| {
            Ok(show(&Dispute::try_from(row)?, now))
        })
        .await
    }
}
