//! Refunding: money that was set aside on the charge goes back to the card.

use connectors::{Later, Outcome, simulator};
use domain::attempt::AttemptState;
use domain::event::Transition;
use domain::refund::Status;
use store::scheduled_tasks::{self, Kind, Task};
use store::{Statement, refunds};

use super::Held;
use crate::announce::{Subjects, events};
use crate::{Context, Failure, Platform};

/// The statements that record what the processor said.
pub(super) fn record<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
    outcome: &Outcome,
) -> Result<Vec<Statement>, Failure> {
    let Outcome::Refunded { reference, arrived } = outcome else {
        return Err(Failure::Bug(format!("a refund was answered with {outcome:?}")));
    };
    held.attempt.processor_reference = Some(reference.clone());
    held.attempt.state = AttemptState::Succeeded;
    let later = held.charge()?.details.later.as_deref().and_then(Later::from_name);
    let Some(refund) = &mut held.refund else {
        return Err(Failure::Bug(format!("{} has no refund", held.attempt.id)));
    };
    refund.pending_operation = None;
    refund.details.processor_reference = Some(reference.clone());
    refund.status = if *arrived { Status::Succeeded } else { Status::Pending };
    let mut statements = refunds::update(refund).to_vec();
    if matches!(later, Some(Later::RefundPends | Later::RefundFails)) {
        let due_at = context.now.plus(simulator::DELAY);
        statements.push(scheduled_tasks::insert(&Task {
            due_at,
            kind: Kind::SettleRefund,
            subject: refund.id.as_str().to_owned(),
            scope: context.scope.clone(),
            tries: 0,
        }));
        context.platform.wake(due_at);
    }
    let subjects = Subjects {
        charge: held.charge.as_ref(),
        refund: held.refund.as_ref(),
        ..Subjects::default()
    };
    statements.extend(events(context, Transition::RefundCreated, subjects, None));
    Ok(statements)
}
