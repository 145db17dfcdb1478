//! `GET /v1/reporting/report_types`

use domain::ApiError;
use domain::report::TYPES;
use domain::resource::{Json, List as Page, json};
use flows::{Failure, Platform};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Lists the reports that can be asked for, all at once.
pub struct List;

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/reporting/report_types";
    const RESOURCE: &'static str = "reporting.report_type";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        let data = TYPES.iter().map(|report| show(call, report)).collect();
        Ok(json(&Page { object: "list", data, has_more: false, url: call.url.clone() }))
    }
}
