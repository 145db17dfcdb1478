//! `GET /v1/florin/settlement_reports`

use domain::ApiError;
use domain::resource::Json;
use domain::settlement::SettlementReport;
use flows::{Failure, Platform};
use store::list::{Page, Table};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// Lists what processors reported.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {
    }
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/florin/settlement_reports";
    const RESOURCE: &'static str = "settlement_report";
    const SHOWS: &'static str = "florin.settlement_report";
    const OBJECT: &'static str = "florin.settlement_report";
    type Parameters = Parameters;
    type Input = Page;

    fn check(parameters: Parameters) -> Result<Page, ApiError> {
        parameters.page()
    }

    async fn run<P: Platform>(call: &Call<'_, P>, page: Page) -> Result<Json, Failure> {
        list::show(call, Table::SettlementReports, &[], &page, |row| {
            Ok(show(&SettlementReport::try_from(row)?))
        })
        .await
    }
}
