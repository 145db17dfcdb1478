//! Settlement: a processor's reports are handed in, held against the ledger line by line, and booked where both agree.
//!
//! What differs is an open break. Lines wait for the heartbeat, so that a report of any size is taken at once; each slice of
//! them is one batch, which says in each row what became of it, so that whatever stops the work goes on where it stood.

mod create;
mod reconcile;
mod resolve;

use domain::ApiError;
use domain::id::ConnectorAccountId;
use domain::settlement::{Break, BreakKind, SettlementReport};
use domain::timestamp::Timestamp;
use store::scheduled_tasks::{self, Kind, Task};
use store::{Statement, settlements};

use crate::reports::no_such;
use crate::{Context, Failure, Platform};

pub use create::create;
pub use reconcile::reconcile;
pub use resolve::{Resolve, resolve};

/// Finds a report that a request names in its path.
///
/// # Errors
/// When there is none.
pub async fn find_report<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<SettlementReport, Failure> {
    let found = context.find(settlements::find_report(&context.scope, id)).await?;
    found.ok_or_else(|| no_such("settlement report", id, "id", true).into())
}

/// Finds a break that a request names in its path.
///
/// # Errors
/// When there is none.
pub async fn find_break<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Break, Failure> {
    let found = context.find(settlements::find_break(&context.scope, id)).await?;
    found.ok_or_else(|| no_such("settlement break", id, "id", true).into())
}

/// The statement that plans that what is reported of an account is held against the books: as if it had been tried before,
/// where all that differs is to be judged again.
fn plan<P: Platform>(
    context: &Context<'_, P>,
    account: &ConnectorAccountId,
    due_at: Timestamp,
    tries: i64,
) -> Statement {
    context.platform.wake(due_at);
    scheduled_tasks::insert(&Task {
        due_at,
        kind: Kind::ReconcileSettlement,
        subject: account.as_str().to_owned(),
        scope: context.scope.clone(),
        tries,
    })
}

/// The cause under which a line is booked, of its bookings this one, or a movement is written off.
fn cause(account: &ConnectorAccountId, subject: &str, bookings: i64) -> String {
    format!("settled:{account}:{subject}:{bookings}")
}

fn does_not_fit(message: &str) -> Failure {
    ApiError::StateConflict { message: message.to_owned() }.into()
}

/// Whether a break is about a line that is not booked.
fn is_of_open_line(kind: BreakKind) -> bool {
    !matches!(
        kind,
        BreakKind::FeeMismatch
            | BreakKind::FxRounding
            | BreakKind::MissingExternal
            | BreakKind::PayoutTotalMismatch
    )
}
