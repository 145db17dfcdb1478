//! `GET /v1/reporting/report_runs/{report_run}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, reports};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a run of a report.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/reporting/report_runs/{report_run}";
    const RESOURCE: &'static str = "reporting.report_run";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&reports::find(&call.context, call.id()).await?))
    }
}
