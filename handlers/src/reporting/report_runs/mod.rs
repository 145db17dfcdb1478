//! `/v1/reporting/report_runs`.

pub mod create;
pub mod list;
pub mod retrieve;

use domain::report::ReportRun;
use domain::resource::{self, value};
use serde_json::Value;

/// The run as merchants see it.
fn show(run: &ReportRun) -> Value {
    value(&resource::report_run::Resource::from(run))
}
