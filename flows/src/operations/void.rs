//! Voiding: held money is let go of, and its intent ends: canceled, or succeeded where a part was
//! taken before.

use connectors::Outcome;
use domain::attempt::AttemptState;
use domain::event::Transition;
use domain::payment_intent::CancellationReason;
use store::scheduled_tasks::{self, Kind};
use store::{Statement, charges, payment_intents};

use super::{Held, refused, resolution};
use crate::announce::{Subjects, events};
use crate::ledger;
use crate::{Context, Failure, Platform};

/// The statements that record what the processor said.
pub(super) fn record<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
    reason: Option<CancellationReason>,
    outcome: &Outcome,
) -> Result<Vec<Statement>, Failure> {
    let (Outcome::Done { reference } | Outcome::Canceled { reference }) = outcome else {
        return refused(held, outcome);
    };
    held.attempt.processor_reference = Some(reference.clone());
    held.attempt.state = AttemptState::Succeeded;
    release(context, held, reason)
}

/// The processor let go of the money before: there is nothing to take, or to hold more of.
pub(super) fn expired<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
    outcome: &Outcome,
) -> Result<Vec<Statement>, Failure> {
    let statements = release(context, held, Some(CancellationReason::Expired))?;
    held.attempt.state = AttemptState::Failed;
    held.attempt.resolution = resolution(outcome)?;
    Ok(statements)
}

/// The statements that let go of what a charge holds, and end its intent.
pub(super) fn release<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
    reason: Option<CancellationReason>,
) -> Result<Vec<Statement>, Failure> {
    let mut charge = held.charge()?.clone();
    charge.end_operation(&held.attempt.id);
    let rest = charge.capturable();
    charge.release()?;
    let mut statements = ledger::released(context, &held.attempt, &charge, rest)?;
    statements.extend(charges::update(&mut charge));
    if let Some(intent) = &mut held.payment_intent {
        intent.canceled(Some(&held.attempt.id), context.now, reason)?;
        statements.extend(payment_intents::update(intent));
    }
    if let Some(end) = charge.details.capture_before {
        let kind = Kind::ExpireAuthorization;
        statements.push(scheduled_tasks::delete(end, kind, charge.id.as_str()));
    }
    let transition = match &held.payment_intent {
        Some(_) if charge.is_captured() => Transition::IntentRestReleased,
        Some(_) => Transition::IntentVoided,
        None => Transition::ChargeExpired,
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
