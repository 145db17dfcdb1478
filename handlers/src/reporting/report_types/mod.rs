//! `/v1/reporting/report_types`.

pub mod list;
pub mod retrieve;

use domain::report::ReportType;
use domain::resource::{self, Json, json};

use super::available;
use crate::endpoint::Call;

/// The report as merchants see it.
fn show<P>(call: &Call<'_, P>, report: &ReportType) -> Json {
    let livemode = call.context.scope.livemode;
    json(&resource::report_type::Resource::new(report, available(call), livemode))
}
