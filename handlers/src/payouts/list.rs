//! `GET /v1/payouts`

use domain::ApiError;
use domain::payout::{Payout, Status};
use domain::resource::Json;
use flows::{Failure, Platform};
use store::list::{Filter, Page, Table};

use super::show;
use crate::created::Created;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// Lists payouts.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {
        /// When the bank has them.
        arrival_date: Option<Created>,
        /// The bank account that they go to.
        destination: Option<String>,
        /// Where they stand.
        status: Option<Status>,
    }
}

/// The page that is asked for.
pub struct Input {
    filter: Filter,
    page: Page,
}

/// The filters that hold together, the narrowest first.
fn filter(parameters: &Parameters) -> Filter {
    let narrow = [
        parameters.destination.clone().map(Filter::Destination),
        parameters.status.map(|status| Filter::Status(status.name().to_owned())),
    ];
    let mut filters: Vec<_> = narrow.into_iter().flatten().collect();
    if let Some(Created { from, to }) = parameters.arrival_date {
        if filters.is_empty() {
            filters.push(Filter::Nothing);
        }
        filters.extend([Filter::ArrivesFrom(from), Filter::ArrivesBy(to)]);
    }
    Filter::all(filters)
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/payouts";
    const RESOURCE: &'static str = "payout";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        Ok(Input { filter: filter(&parameters), page: parameters.page()? })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        list::show(call, Table::Payouts, &[input.filter], &input.page, |row| {
            Ok(show(&Payout::try_from(row)?))
        })
        .await
    }
}
