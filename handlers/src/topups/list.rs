//! `GET /v1/topups`

use domain::ApiError;
use domain::resource::Json;
use domain::topup::{Status, Topup};
use flows::{Failure, Platform};
use store::list::{Filter, Page, Table};

use super::show;
use crate::created::Created;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// Lists top-ups.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {
        /// How much they are, exactly or within bounds.
        amount: Option<Created>,
        /// Where they stand.
        status: Option<Status>,
    }
}

/// The filters that hold together, the narrowest first.
fn filter(parameters: &Parameters) -> Filter {
    let status = parameters.status.map(|status| Filter::Status(status.name().to_owned()));
    let Some(Created { from, to }) = parameters.amount else {
        return Filter::all(status);
    };
    let amount = [Filter::AmountFrom(from), Filter::AmountTo(to)];
    Filter::all([status.unwrap_or(Filter::Nothing)].into_iter().chain(amount))
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/topups";
    const RESOURCE: &'static str = "topup";
    type Parameters = Parameters;
    type Input = (Filter, Page);

    fn check(parameters: Parameters) -> Result<(Filter, Page), ApiError> {
        Ok((filter(&parameters), parameters.page()?))
    }

    async fn run<P: Platform>(
        call: &Call<'_, P>,
        (filter, page): (Filter, Page),
    ) -> Result<Json, Failure> {
        list::show(call, Table::Topups, &[filter], &page, |row| Ok(show(&Topup::try_from(row)?)))
            .await
    }
}
