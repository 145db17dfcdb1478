//! `GET /v1/reporting/report_types/{report_type}`

use domain::ApiError;
use domain::report::ReportType;
use domain::resource::Json;
use flows::{Failure, Platform, reports};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a report that can be asked for.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/reporting/report_types/{report_type}";
    const RESOURCE: &'static str = "reporting.report_type";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        let report = ReportType::find(call.id())
            .ok_or_else(|| reports::no_such("report type", call.id(), "report_type", true))?;
        Ok(show(call, report))
    }
}
