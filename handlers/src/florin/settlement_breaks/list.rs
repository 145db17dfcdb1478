//! `GET /v1/florin/settlement_breaks`

use domain::ApiError;
use domain::resource::Json;
use domain::settlement::{Break, BreakStatus};
use flows::{Failure, Platform};
use store::list::{Filter, Page, Table};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// Lists differences between what processors report and our books.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {
        /// Those of this status alone: `open`, `closed` or `resolved`.
        status: Option<BreakStatus>,
    }
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/florin/settlement_breaks";
    const RESOURCE: &'static str = "settlement_break";
    const SHOWS: &'static str = "florin.settlement_break";
    const OBJECT: &'static str = "florin.settlement_break";
    type Parameters = Parameters;
    type Input = (Page, Filter);

    fn check(parameters: Parameters) -> Result<Self::Input, ApiError> {
        let page = parameters.page()?;
        let status = parameters.status.map(|status| Filter::Status(status.name().to_owned()));
        Ok((page, status.unwrap_or(Filter::Nothing)))
    }

    async fn run<P: Platform>(
        call: &Call<'_, P>,
        (page, filter): Self::Input,
    ) -> Result<Json, Failure> {
        list::show(call, Table::SettlementBreaks, &[filter], &page, |row| {
            Ok(show(&Break::try_from(row)?))
        })
        .await
    }
}
