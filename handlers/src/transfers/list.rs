//! `GET /v1/transfers`

use domain::ApiError;
use domain::resource::Json;
use domain::transfer::Transfer;
use flows::{Failure, Platform};
use store::list::{Filter, Page, Table};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// Lists transfers.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {
        /// The account that they went to.
        destination: Option<String>,
        /// Their group.
        transfer_group: Option<String>,
    }
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/transfers";
    const RESOURCE: &'static str = "transfer";
    type Parameters = Parameters;
    type Input = (Filter, Page);

    fn check(parameters: Parameters) -> Result<(Filter, Page), ApiError> {
        let page = parameters.page()?;
        let filters = [
            parameters.destination.map(Filter::Destination),
            parameters.transfer_group.map(Filter::TransferGroup),
        ];
        Ok((Filter::all(filters.into_iter().flatten()), page))
    }

    async fn run<P: Platform>(
        call: &Call<'_, P>,
        (filter, page): (Filter, Page),
    ) -> Result<Json, Failure> {
        list::show(call, Table::Transfers, &[filter], &page, |row| {
            Ok(show(&Transfer::try_from(row)?))
        })
        .await
    }
}
