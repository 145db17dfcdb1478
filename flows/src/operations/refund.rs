//! Refunding: money that was set aside on the charge goes back to the card, or money that a charge
//! without an intent only held is let go of.

use connectors::{Command, Later, Outcome, simulator};
use domain::ApiError;
use domain::attempt::{Attempt, AttemptState};
use domain::charge::Charge;
use domain::event::Transition;
use domain::id::AttemptId;
use domain::refund::{Refund, Status};
use domain::resource::{self, value};
use store::scheduled_tasks::{self, Kind, Task};
use store::{Statement, attempts, charges, refunds};

use super::ask::Asker;
use super::command::question;
use super::{Held, RECOVERY_DELAY, load, park, resolution, said, told_otherwise};
use crate::announce::{Subjects, events, previous_attributes};
use crate::platform::PlatformError;
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
            status: status @ (Status::Succeeded | Status::Pending | Status::RequiresAction),
            ..
        } => {
            before.return_refund(refund.amount.amount, refund.details.fee_returned)?;
            if *status != Status::Succeeded && held.attempt.connector_account.is_some() {
                refund.details.attempt = Some(held.attempt.id.clone());
            }
            let mut statements = plan_settlement(context, &charge, &refund);
            // The money was set aside before, so the charge is only shown.
            statements.push(charges::must_be_unchanged(&charge));
            statements.extend(ledger::refunded(context, &charge, &mut refund)?);
            statements.extend(disputes::plan_closing(context, &charge));
            (reference, *status, statements)
        }
        Outcome::Done { reference } | Outcome::Canceled { reference }
            if charge.is_released_by_refund() =>
        {
            charge.end_operation(&held.attempt.id);
            let rest = charge.capturable();
            charge.release()?;
            charge.details.released_by_refund = true;
            let mut statements = ledger::released(context, &held.attempt, &charge, rest)?;
            statements.extend(release(&mut charge));
            (reference, Status::Succeeded, statements)
        }
        Outcome::Refunded { reference, failure_reason, .. } => {
            held.attempt.processor_reference = Some(reference.clone());
            let why = failure_reason.as_deref().unwrap_or("unknown");
            held.attempt.resolution.refusal = Some(said("failed", why));
            return came_to_nothing(context, held, charge, refund, Some(why));
        }
        no => {
            held.attempt.resolution = resolution(no)?;
            return came_to_nothing(context, held, charge, refund, None);
        }
    };
    held.attempt.processor_reference = Some(reference.clone());
    held.attempt.state = AttemptState::Succeeded;
    refund.pending_operation = None;
    refund.details.processor_reference = Some(reference.clone());
    refund.status = status;
    // At the simulator it is made of our own key.
    if held.attempt.connector_account.is_some() {
        let (id, of) = (refund.id.as_str(), charge.id.as_str());
        statements.push(refunds::must_be_its_own(id, of, reference));
    }
    statements.extend(refunds::update(&mut refund));
    statements.extend(announce(context, &before, &charge, &refund));
    held.charge = Some(charge);
    held.refund = Some(refund);
    Ok(statements)
}

/// The statements for a refund that gave nothing back: what was set aside for it is the charge's again. The
/// books know nothing of it yet.
fn came_to_nothing<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
    mut charge: Charge,
    mut refund: Refund,
    why: Option<&str>,
) -> Result<Vec<Statement>, Failure> {
    held.attempt.state = AttemptState::Failed;
    if charge.is_released_by_refund() {
        charge.end_operation(&held.attempt.id);
    } else {
        charge.return_refund(refund.amount.amount, refund.details.fee_returned)?;
    }
    // It is told of like any other that failed, but its charge was never given back.
    let of_refund = Subjects { refund: Some(&refund), ..Subjects::default() };
    let mut statements = events(context, Transition::RefundCreated, of_refund, None);
    refund.pending_operation = None;
    refund.status = Status::Failed;
    refund.details.processor_reference = held.attempt.processor_reference.clone();
    refund.details.failure_reason = Some(why.unwrap_or("unknown").to_owned());
    statements.extend(charges::update(&mut charge));
    statements.extend(refunds::update(&mut refund));
    let subjects = Subjects { refund: Some(&refund), ..Subjects::default() };
    statements.extend(events(context, Transition::RefundFailed, subjects, None));
    held.charge = Some(charge);
    held.refund = Some(refund);
    Ok(statements)
}

/// The simulator acts on some refunds later, and processors say later what became of theirs.
fn plan_settlement<P: Platform>(
    context: &Context<'_, P>,
    charge: &Charge,
    refund: &Refund,
) -> Vec<Statement> {
    let later = charge.details.later.as_deref().and_then(Later::from_name);
    let delay = match later {
        Some(Later::RefundPends | Later::RefundFails) => simulator::DELAY,
        _ if refund.details.attempt.is_some() => RECOVERY_DELAY,
        _ => return Vec::new(),
    };
    let due_at = context.now.plus(delay);
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

/// The statements that book a refund which somebody else made at the processor: it was set aside on the charge
/// just now. Its attempt is as one of ours that the processor took.
pub(crate) fn book_elsewhere<P: Platform>(
    context: &Context<'_, P>,
    before: &Charge,
    mut charge: Charge,
    mut refund: Refund,
    attempt: &Attempt,
) -> Result<Vec<Statement>, Failure> {
    let mut statements = charges::update(&mut charge).to_vec();
    statements.push(attempts::insert(&context.scope, attempt));
    statements.extend(ledger::refunded(context, &charge, &mut refund)?);
    statements.push(refunds::insert(&context.scope, &refund));
    statements.extend(plan_settlement(context, &charge, &refund));
    statements.extend(disputes::plan_closing(context, &charge));
    statements.extend(announce(context, before, &charge, &refund));
    Ok(statements)
}

/// Stops a refund that waits for its customer, where its processor keeps it. Says how it stands then.
///
/// # Errors
/// When the processor does not stop it, or nobody knows whether it did; it is then asked after as before.
pub(crate) async fn cancel_refund<P: Platform>(
    context: &Context<'_, P>,
    attempt: &AttemptId,
) -> Result<Status, Failure> {
    let Some(held) = load(context, attempt).await? else { return Ok(Status::Canceled) };
    let Some(asker) = Asker::of(context, &held.attempt).await? else { return Ok(Status::Canceled) };
    let key = format!("{attempt}_cancel_{}", context.now.seconds());
    let command = Command::CancelRefund { key: &key, refund: question(&held) };
    let outcome = match asker.exchange(context, &command).await {
        // An earlier request may have stopped it.
        Outcome::Refused { fault, code, message } => match asker.look_up(context, &held).await {
            found @ Outcome::Refunded { status: Status::Canceled, .. } => found,
            _ => Outcome::Refused { fault, code, message },
        },
        outcome => outcome,
    };
    match outcome {
        Outcome::Refunded { status, .. } => Ok(status),
        Outcome::Refused { message, .. } => Err(ApiError::StateConflict {
            message: format!("The payment processor does not cancel this Refund: {message}"),
        }
        .into()),
        _ => {
            Err(PlatformError { part: "processor", problem: format!("{attempt} may be canceled") }
                .into())
        }
    }
}

/// What became of a refund that its processor keeps on its way, and why it failed; nothing while it does, or nobody can tell.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn refund_status<P: Platform>(
    context: &Context<'_, P>,
    attempt: &AttemptId,
) -> Result<Option<(Status, Option<String>)>, Failure> {
    let Some(held) = load(context, attempt).await? else { return Ok(None) };
    let Some(asker) = Asker::of(context, &held.attempt).await? else { return Ok(None) };
    match asker.look_up(context, &held).await {
        Outcome::Refunded { status: Status::Pending | Status::RequiresAction, .. } => Ok(None),
        Outcome::Refunded { status, failure_reason, .. } => Ok(Some((status, failure_reason))),
        Outcome::Mismatch { expected, found, .. } => {
            park(context, held, &told_otherwise(&expected, &found)).await?;
            Ok(None)
        }
        _ => Ok(None),
    }
}
