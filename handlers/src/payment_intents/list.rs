//! `GET /v1/payment_intents`

use domain::ApiError;
use domain::payment_intent::PaymentIntent;
use domain::resource::{self, Json, json};
use flows::{Failure, Platform};
use store::list::{Filter, Page, Table};

use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// Lists intents.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {
        /// Who pays.
        customer: Option<String>,
    }
}

/// The page that is asked for.
pub struct Input {
    filter: Filter,
    page: Page,
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/payment_intents";
    const RESOURCE: &'static str = "payment_intent";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        Ok(Input {
            page: parameters.page()?,
            filter: parameters.customer.map_or(Filter::Nothing, Filter::Customer),
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        list::show(call, Table::PaymentIntents, &[input.filter], &input.page, |row| {
            let intent = PaymentIntent::try_from(row)?;
            Ok(json(&resource::payment_intent::Resource::from(&intent)))
        })
        .await
    }
}
