//! What comes of an authorisation that took and holds nothing.

use connectors::Outcome;
use domain::attempt::{AttemptState, Authorize, Resolution};
use domain::card::Decline;
use domain::charge::{self, Charge};
use domain::error::CardError;
use domain::event::Transition;
use domain::money::Amount;
use domain::payment_intent::Status;
use domain::payment_method::PaymentMethod;
use domain::{ApiError, resource};
use serde_json::Value;
use store::{Statement, payment_intents};

use super::authorize::{announce, insert, new_charge};
use super::{Held, method, plan_undo, resolution};
use crate::{Context, Failure, Platform};

/// Whether those who ask were told that it is on its way.
pub(super) fn is_on_its_way(held: &Held) -> bool {
    held.payment_intent.as_ref().is_some_and(|intent| intent.status() == Status::Processing)
}

/// The statements for a request that the processor did not take, as where the account's secret opens nothing any
/// more: the payment can be confirmed as before.
pub(super) fn not_taken(held: &mut Held, outcome: &Outcome) -> Result<Vec<Statement>, Failure> {
    held.attempt.state = AttemptState::Failed;
    held.attempt.resolution = resolution(outcome)?;
    let mut statements = method::while_waiting(held)?;
    if let Some(intent) = &mut held.payment_intent {
        intent.give_up_action();
        intent.unchanged(&held.attempt.id)?;
        statements.extend(payment_intents::update(intent));
    }
    Ok(statements)
}

/// A challenge that nobody can be sent to is a decline; a processor that waits for it is told so.
pub(super) fn not_challenged<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
    authorize: &Authorize,
    reference: Option<&str>,
    why: Decline,
) -> Result<Vec<Statement>, Failure> {
    held.attempt.processor_reference = reference.map(str::to_owned);
    let mut statements = declined(context, held, authorize, &Outcome::Declined(why.into()))?;
    if reference.is_some() {
        statements.push(plan_undo(context, held.attempt.id.as_str(), context.now));
    }
    Ok(statements)
}

/// The statements for what its issuer, or the processor itself, refused.
pub(super) fn declined<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
    authorize: &Authorize,
    outcome: &Outcome,
) -> Result<Vec<Statement>, Failure> {
    let resolution = resolution(outcome)?;
    // What the processor itself refused, no issuer has seen.
    let decline = resolution.decline.unwrap_or(Decline::ProcessingError);
    // Without the challenge that it asks for, a payment never reaches the issuer: there is no charge.
    let charge = match decline {
        Decline::AuthenticationFailure | Decline::AuthenticationNotHandled => None,
        _ => Some(failed_charge(context, held, authorize, decline)?),
    };
    held.attempt.state = AttemptState::Failed;
    held.attempt.resolution = Resolution {
        decline: Some(decline),
        failed_charge: charge.as_ref().map(|charge| charge.id.clone()),
        ..resolution
    };
    let error = last_payment_error(decline, charge.as_ref(), held.method()?);
    let mut statements = method::use_up(held)?;
    if let Some(intent) = &mut held.payment_intent {
        intent.declined(
            &held.attempt.id,
            charge.as_ref().map(|charge| charge.id.clone()),
            error,
        )?;
        statements.extend(payment_intents::update(intent));
    }
    if let Some(charge) = &charge {
        statements.extend(insert(context, charge));
    }
    let transition = match (&held.payment_intent, &charge) {
        (None, _) => Transition::ChargeFailed,
        (Some(_), Some(_)) => Transition::IntentDeclined,
        (Some(_), None) => Transition::IntentRefused,
    };
    statements.extend(announce(context, held, transition, charge.as_ref()));
    held.charge = charge;
    Ok(statements)
}

fn failed_charge<P: Platform>(
    context: &Context<'_, P>,
    held: &Held,
    authorize: &Authorize,
    decline: Decline,
) -> Result<Charge, Failure> {
    let mut charge = new_charge(context, held, authorize)?;
    charge.status = charge::Status::Failed;
    charge.captured = Amount::ZERO;
    charge.details.decline = Some(decline);
    if decline == Decline::Fraudulent {
        charge.details.risk = charge::Risk::Highest;
    }
    Ok(charge)
}

/// What the intent shows of a decline: the error's own fields, and the card that was refused.
fn last_payment_error(decline: Decline, charge: Option<&Charge>, method: &PaymentMethod) -> Value {
    let error = ApiError::from(CardError {
        decline,
        is_decline: true,
        charge: charge.map(|charge| charge.id.as_str().to_owned()),
        payment_intent: None,
        payment_method: Some(resource::value(&resource::payment_method::Resource::from(method))),
    });
    resource::value(&error.parts())
}
