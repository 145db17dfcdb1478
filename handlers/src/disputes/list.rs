//! `GET /v1/disputes`

use domain::ApiError;
use domain::dispute::Dispute;
use domain::resource::Json;
use flows::{Failure, Platform, disputes};
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
    charge: Option<String>,
    payment_intent: Option<String>,
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
        let Parameters { charge, payment_intent, .. } = parameters;
        Ok(Input { charge, payment_intent, page })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        let shown = page(call, &input).await?;
        let is_empty = list::is_empty(&shown);
        let (charge, intent) = (input.charge.as_deref(), input.payment_intent.as_deref());
        if is_empty && disputes::open_for(&call.context, charge, intent).await? {
            return page(call, &input).await;
        }
        Ok(shown)
    }
}

async fn page<P: Platform>(call: &Call<'_, P>, input: &Input) -> Result<Json, Failure> {
    let filters = [
        input.charge.clone().map(Filter::Charge),
        input.payment_intent.clone().map(Filter::PaymentIntent),
    ];
    let filter = Filter::all(filters.into_iter().flatten());
    let now = call.context.now;
    list::show(call, Table::Disputes, &[filter], &input.page, |row| {
        Ok(show(&Dispute::try_from(row)?, now))
    })
    .await
}
