//! Capturing: held money is taken, and what is not taken is let go of.

use connectors::Outcome;
use domain::attempt::AttemptState;
use domain::event::Transition;
use domain::payment_intent::{PaymentIntent, Status};
use domain::pricing::Terms;
use store::scheduled_tasks::{self, Kind};
use store::{Statement, charges, payment_intents};

use super::{Held, refused, void};
use crate::announce::{Subjects, events};
use crate::{Context, Failure, Platform, disputes, ledger};

/// The statements that record what the processor said.
pub(super) fn record<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
    is_final: bool,
    terms: &Terms,
    outcome: &Outcome,
) -> Result<Vec<Statement>, Failure> {
    let reference = match outcome {
        Outcome::Done { reference } => reference,
        Outcome::Canceled { .. } => return void::expired(context, held, outcome),
        no => return refused(held, no),
    };
    held.attempt.processor_reference = Some(reference.clone());
    held.attempt.state = AttemptState::Succeeded;
    let amount = held.attempt.amount.amount;
    let mut charge = held.charge()?.clone();
    charge.end_operation(&held.attempt.id);
    let held_before = charge.capturable();
    charge.capture(amount, is_final)?;
    let resolved = held_before.minus(charge.capturable())?;
    let attempt = &held.attempt;
    let mut statements =
        ledger::captured(context, attempt, &mut charge, terms, (amount, resolved))?;
    statements.extend(disputes::plan(context, &charge));
    statements.extend(charges::update(&mut charge));
    if let Some(intent) = &mut held.payment_intent {
        intent.captured(&held.attempt.id, amount, is_final)?;
        statements.extend(payment_intents::update(intent));
    }
    if charge.capturable().is_zero()
        && let Some(end) = charge.details.capture_before
    {
        let kind = Kind::ExpireAuthorization;
        statements.push(scheduled_tasks::delete(end, kind, charge.id.as_str()));
    }
    let transition = match held.payment_intent.as_ref().map(PaymentIntent::status) {
        None => Transition::ChargeCaptured,
        Some(Status::Succeeded) if charge.details.multicapture => Transition::IntentLastCaptured,
        Some(Status::Succeeded) => Transition::IntentCaptured,
        Some(_) => Transition::IntentPartlyCaptured,
    };
    let subjects = Subjects {
        payment_intent: held.payment_intent.as_ref(),
        charge: Some(&charge),
        ..Subjects::default()
    };
    statements.extend(events(context, transition, subjects, None));
    held.charge = Some(charge);
    Ok(statements)
}
