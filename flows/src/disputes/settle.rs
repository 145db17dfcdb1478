//! What the simulator's bank does with a dispute when its time has come.

use connectors::simulator::disputes::decide;
use domain::ApiError;
use domain::charge::Charge;
use domain::dispute::{Dispute, Status};
use store::scheduled_tasks::{self, Kind, Task};
use store::{DatabaseError, Statement, charges, disputes};

use super::{MAX_TRIES, moved};
use crate::context::first;
use crate::{Context, Failure, Platform};

/// Does what the bank does with a dispute by now; nothing where its time has not come.
///
/// # Errors
/// When the database does not answer; it is tried again later.
pub async fn settle<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<(), Failure> {
    for _ in 0..MAX_TRIES {
        let scope = &context.scope;
        let results = context
            .batch(vec![disputes::find(scope, id), charges::find_of_dispute(scope, id)])
            .await?;
        let pair: Option<(Dispute, Charge)> = first(&results, 0)?.zip(first(&results, 1)?);
        let Some((dispute, charge)) = pair else { return Ok(()) };
        let Some(next) = next(context, &dispute, &charge) else { return Ok(()) };
        let (batch, _) = moved(context, &dispute, dispute.clone(), charge, next)?;
        match context.batch(batch).await {
            Ok(_) => return Ok(()),
            Err(DatabaseError::Guard(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

fn next<P: Platform>(
    context: &Context<'_, P>,
    dispute: &Dispute,
    charge: &Charge,
) -> Option<Status> {
    // Its processor says what becomes of it.
    if dispute.details.processor_reference.is_some() {
        return None;
    }
    if is_given_back(charge) {
        return Some(Status::WarningClosed);
    }
    let acts_at = dispute.details.acts_at?;
    if acts_at <= context.now { decide(dispute) } else { None }
}

/// Whether an inquiry is open about a charge of which nothing is left: a full refund resolves it
/// (<https://docs.stripe.com/disputes/how-disputes-work>).
fn is_given_back(charge: &Charge) -> bool {
    charge.refundable().is_zero()
        && charge
            .details
            .dispute
            .as_ref()
            .is_some_and(|dispute| dispute.status.is_inquiry() && !dispute.status.is_over())
}

/// Plans that an inquiry is closed whose charge was just given back in full.
pub fn plan_closing<P: Platform>(context: &Context<'_, P>, charge: &Charge) -> Option<Statement> {
    let dispute = charge.details.dispute.as_ref().filter(|_| is_given_back(charge))?;
    context.platform.wake(context.now);
    Some(scheduled_tasks::insert(&Task {
        due_at: context.now,
        kind: Kind::SettleDispute,
        subject: dispute.id.as_str().to_owned(),
        scope: context.scope.clone(),
        tries: 0,
    }))
}
