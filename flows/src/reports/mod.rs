//! Reports: a run is asked for, and the heartbeat writes it a slice at a time.

mod begin;
mod create;
mod run;
mod write;

use domain::ApiError;
use domain::report::ReportRun;
use store::report_runs;

use crate::{Context, Failure, Platform};

pub use create::create;
pub use run::run;

/// Finds a run that a request names in its path.
///
/// # Errors
/// When there is none.
pub async fn find<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<ReportRun, Failure> {
    let found = context.find(report_runs::find(&context.scope, id)).await?;
    found.ok_or_else(|| no_such("report run", id, "report_run", true).into())
}

/// The error for what does not exist.
pub fn no_such(kind: &'static str, id: &str, param: &str, in_path: bool) -> ApiError {
    ApiError::NoSuchObject { kind, id: id.to_owned(), param: param.to_owned(), in_path }
}
