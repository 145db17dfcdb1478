//! Incrementing: the processor holds more than before.

use connectors::Outcome;
use domain::attempt::AttemptState;
use domain::event::Transition;
use store::{Statement, charges, payment_intents};

use super::{Held, refused, void};
use crate::announce::{Subjects, events};
use crate::ledger;
use crate::{Context, Failure, Platform};

/// The statements that record what the processor said.
pub(super) fn record<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
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
    let more = amount.minus(charge.amount.amount)?;
    charge.amount.amount = amount;
    let mut statements = ledger::held(context, &held.attempt, &charge, more)?;
    statements.extend(charges::update(&mut charge));
    if let Some(intent) = &mut held.payment_intent {
        intent.incremented(&held.attempt.id, amount)?;
        statements.extend(payment_intents::update(intent));
    }
    let subjects = Subjects {
        payment_intent: held.payment_intent.as_ref(),
        charge: Some(&charge),
        ..Subjects::default()
    };
    statements.extend(events(context, Transition::IntentIncremented, subjects, None));
    held.charge = Some(charge);
    Ok(statements)
}
