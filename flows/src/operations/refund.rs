//! Refunding: money that was set aside on the charge goes back to the card, or money that a charge
//! without an intent only held is let go of.

use connectors::{Later, Outcome, simulator};
use domain::attempt::AttemptState;
use domain::charge::Charge;
use domain::event::Transition;
use domain::refund::{Refund, Status};
use domain::resource::{self, value};
use store::scheduled_tasks::{self, Kind, Task};
use store::{Statement, charges, refunds};

use super::Held;
use crate::announce::{Subjects, events, previous_attributes};
use crate::{Context, Failure, Platform, disputes, ledger};

/// The statements that record what the processor said.
pub(super) fn record<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
    outcome: &Outcome,
) -> Result<Vec<Statement>, Failure> {
    let mut charge = held.charge()?.clone();
    let Some(mut refund) = held.refund.clone() else {
        return Err(Failure::Bug(format!("{} has no refund", held.attempt.id)));
    };
    let mut before = charge.clone();
    let (reference, status, mut statements) = match outcome {
        Outcome::Refunded {
            reference,
            status: status @ (Status::Succeeded | Status::Pending),
            ..
        } => {
            before.return_refund(refund.amount.amount, refund.details.fee_returned)?;
            let mut statements = plan_settlement(context, &charge, &refund);
            // The money was set aside before, so the charge is only shown.
            statements.push(charges::must_be_unchanged(&charge));
            statements.extend(ledger::refunded(context, &charge, &mut refund)?);
            statements.extend(disputes::plan_closing(context, &charge));
            (reference, *status, statements)
        }
        Outcome::Done { reference } => {
            charge.end_operation(&held.attempt.id);
            let rest = charge.capturable();
            charge.release()?;
            charge.details.released_by_refund = true;
            let mut statements = ledger::released(context, &held.attempt, rest)?;
            statements.extend(release(&mut charge));
            (reference, Status::Succeeded, statements)
        }
        other => return Err(Failure::Bug(format!("a refund was answered with {other:?}"))),
    };
    held.attempt.processor_reference = Some(reference.clone());
    held.attempt.state = AttemptState::Succeeded;
    refund.pending_operation = None;
    refund.details.processor_reference = Some(reference.clone());
    refund.status = status;
    statements.extend(refunds::update(&mut refund));
    statements.extend(announce(context, &before, &charge, &refund));
    held.charge = Some(charge);
    held.refund = Some(refund);
    Ok(statements)
}

/// The simulator acts on some refunds later.
fn plan_settlement<P: Platform>(
    context: &Context<'_, P>,
    charge: &Charge,
    refund: &Refund,
) -> Vec<Statement> {
    let later = charge.details.later.as_deref().and_then(Later::from_name);
    if !matches!(later, Some(Later::RefundPends | Later::RefundFails)) {
        return Vec::new();
    }
    let due_at = context.now.plus(simulator::DELAY);
    context.platform.wake(due_at);
    vec![scheduled_tasks::insert(&Task {
        due_at,
        kind: Kind::SettleRefund,
        subject: refund.id.as_str().to_owned(),
        scope: context.scope.clone(),
        tries: 0,
    })]
}

/// Writes a charge that holds nothing any more, so that nothing of it expires.
fn release(charge: &mut Charge) -> Vec<Statement> {
    let mut statements = charges::update(charge).to_vec();
    if let Some(end) = charge.details.capture_before {
        let kind = Kind::ExpireAuthorization;
        statements.push(scheduled_tasks::delete(end, kind, charge.id.as_str()));
    }
    statements
}

/// Only the charge had a life before: the refund begins with this.
fn announce<P: Platform>(
    context: &Context<'_, P>,
    before: &Charge,
    charge: &Charge,
    refund: &Refund,
) -> Vec<Statement> {
    let shown = |charge: &Charge| value(&resource::charge::Resource::from(charge));
    let previous = previous_attributes(&shown(before), &shown(charge));
    let transition = Transition::RefundCreated;
    let of_charge = Subjects { charge: Some(charge), ..Subjects::default() };
    let of_refund = Subjects { refund: Some(refund), ..Subjects::default() };
    let mut statements = events(context, transition, of_charge, previous);
    statements.extend(events(context, transition, of_refund, None));
    statements
}
