//! The `reporting.report_run` object.

use serde::Serialize;

use super::{Constant, file};
use crate::report::{Parameters, ReportRun, Status};
use crate::timestamp::Timestamp;

/// The `reporting.report_run` object (<https://docs.stripe.com/api/reporting/report_run/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "reporting.report_run")
)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub created: Timestamp,
    pub error: Option<&'a str>,
    pub livemode: bool,
    pub parameters: &'a Parameters,
    pub report_type: &'a str,
    pub result: Option<file::Resource<'a>>,
    pub status: Status,
    pub succeeded_at: Option<Timestamp>,
}

impl<'a> From<&'a ReportRun> for Resource<'a> {
    fn from(run: &'a ReportRun) -> Self {
        Self {
            id: run.id.as_str(),
            object: "reporting.report_run",
            created: run.created,
            error: run.details.error.as_deref(),
            livemode: run.livemode,
            parameters: &run.details.parameters,
            report_type: &run.report_type,
            result: run.details.result.as_ref().map(file::Resource::from),
            status: run.status,
            succeeded_at: run.details.succeeded_at,
        }
    }
}
