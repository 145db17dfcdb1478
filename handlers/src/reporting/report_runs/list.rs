//! `GET /v1/reporting/report_runs`

use domain::ApiError;
use domain::report::ReportRun;
use domain::resource::Json;
use flows::{Failure, Platform};
use store::list::{Filter, Page, Table};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// Lists runs of reports.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {}
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/reporting/report_runs";
    const RESOURCE: &'static str = "reporting.report_run";
    type Parameters = Parameters;
    type Input = Page;

    fn check(parameters: Parameters) -> Result<Page, ApiError> {
        parameters.page()
    }

    async fn run<P: Platform>(call: &Call<'_, P>, page: Page) -> Result<Json, Failure> {
        list::show(call, Table::ReportRuns, &[Filter::Nothing], &page, |row| {
            Ok(show(&ReportRun::try_from(row)?))
        })
        .await
    }
}
