//! `/v1/reporting`.

pub mod report_runs;
pub mod report_types;

use domain::report;
use domain::timestamp::Timestamp;

use crate::endpoint::Call;

/// From when to when the caller can ask for reports.
fn available<P>(call: &Call<'_, P>) -> (Timestamp, Timestamp) {
    report::available(call.account.created, call.context.now)
}
