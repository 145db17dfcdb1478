//! The `reporting.report_type` object.

use serde::Serialize;

use super::Constant;
use crate::report::ReportType;
use crate::timestamp::Timestamp;

/// The `reporting.report_type` object (<https://docs.stripe.com/api/reporting/report_type/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "reporting.report_type")
)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource {
    pub id: Constant,
    pub object: Constant,
    pub data_available_end: Timestamp,
    pub data_available_start: Timestamp,
    pub default_columns: &'static [Constant],
    pub livemode: bool,
    pub name: Constant,
    pub updated: Timestamp,
    pub version: i64,
}

impl Resource {
    /// A report for an account whose data is available from then to then.
    pub fn new(report: &ReportType, (start, end): (Timestamp, Timestamp), livemode: bool) -> Self {
        Self {
            id: report.id,
            object: "reporting.report_type",
            data_available_end: end,
            data_available_start: start,
            default_columns: report.columns,
            livemode,
            name: report.name,
            updated: end,
            version: report.version(),
        }
    }
}
