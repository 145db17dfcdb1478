//! `/v1/reporting/report_runs`.

pub mod create;
pub mod list;
pub mod retrieve;

use domain::report::ReportRun;
use domain::resource::{self, Json, json};

/// The run as merchants see it.
fn show(run: &ReportRun) -> Json {
    json(&resource::report_run::Resource::from(run))
}
