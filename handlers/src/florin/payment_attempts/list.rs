//! `GET /v1/florin/payment_attempts`

use domain::ApiError;
use domain::attempt::Attempt;
use domain::resource::Json;
use flows::{Failure, Platform};
use store::list::{Filter, Page, Table};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// Lists the attempts at processors that a person has to look at.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {
        /// Those of one payment alone.
        payment_intent: Option<String>,
        /// All that went to a processor, whether anybody has to look at them or not; of one payment alone.
        routed: Option<bool>,
    }
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/florin/payment_attempts";
    const RESOURCE: &'static str = "payment_attempt";
    const SHOWS: &'static str = "florin.payment_attempt";
    const OBJECT: &'static str = "florin.payment_attempt";
    type Parameters = Parameters;
    type Input = (Page, Table, Filter);

    fn check(parameters: Parameters) -> Result<Self::Input, ApiError> {
        let page = parameters.page()?;
        let filter = parameters.payment_intent.map_or(Filter::Nothing, Filter::PaymentIntent);
        match parameters.routed {
            Some(true) if filter == Filter::Nothing => {
                Err(ApiError::MissingParameter { param: "payment_intent".to_owned() })
            }
            Some(true) => Ok((page, Table::RoutedAttempts, filter)),
            _ => Ok((page, Table::Attempts, filter)),
        }
    }

    async fn run<P: Platform>(
        call: &Call<'_, P>,
        (page, table, filter): Self::Input,
    ) -> Result<Json, Failure> {
        list::show(call, table, &[filter], &page, |row| Ok(show(&Attempt::try_from(row)?))).await
    }
}
