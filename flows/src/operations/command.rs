//! What a processor is asked for an attempt, and how it is asked after it: made of what is kept alone, so that whoever
//! asks again asks the same.

use connectors::{Command, LookUp, Operation, SecurityCode};
use domain::attempt::Request;
use domain::card::CardNumber;
use domain::charge::Charge;
use domain::money::Amount;
use domain::payment_method::ProcessorToken;

use super::{Held, authorize};
use crate::cards;
use crate::{Context, Failure, Platform};

/// What is asked after an attempt.
pub(super) fn question(held: &Held) -> LookUp<'_> {
    let Held { attempt, charge, .. } = held;
    let charge = charge.as_ref();
    let payment = charge.and_then(|charge| charge.details.processor_reference.as_deref());
    let payment = Some(payment.unwrap_or_default());
    let taken = charge.map_or(Amount::ZERO, |charge| charge.captured);
    let (operation, payment, captured) = match &attempt.request {
        Request::Authorize(authorize) => {
            (Operation::Authorize { capture: authorize.capture }, None, Amount::ZERO)
        }
        Request::Capture { .. } => (Operation::Capture, payment, taken),
        Request::Increment => (Operation::Increment, payment, Amount::ZERO),
        Request::Refund { .. } if !charge.is_some_and(Charge::is_released_by_refund) => {
            (Operation::Refund, payment, Amount::ZERO)
        }
        Request::Refund { .. } | Request::Void { .. } => (Operation::Void, payment, taken),
    };
    LookUp {
        key: attempt.id.as_str(),
        operation,
        amount: attempt.amount,
        captured,
        is_instead: attempt.token.as_ref().is_some_and(ProcessorToken::is_replaced),
        payment,
        reference: attempt.processor_reference.as_deref(),
    }
}

/// What a command borrows beside what is kept: it is opened where the command is sent alone.
pub(super) struct Opened {
    number: Option<CardNumber>,
    /// The page of ours that the cardholder comes back to from the processor's challenge.
    return_url: Option<String>,
}

impl Opened {
    /// Opens what the attempt is about.
    ///
    /// # Errors
    /// When the card's number does not open.
    pub(super) fn of<P: Platform>(context: &Context<'_, P>, held: &Held) -> Result<Self, Failure> {
        let number = match &held.attempt.request {
            Request::Authorize(_) => Some(cards::open(context, &held.method()?.sealed_number)?),
            _ => None,
        };
        let return_url = held
            .payment_intent
            .as_ref()
            .map(|intent| format!("{}/challenges/{}", intent.details.origin, held.attempt.id));
        Ok(Self { number, return_url })
    }

    /// What an attempt asks for.
    ///
    /// # Errors
    /// When an object is missing that it is about.
    pub(super) fn command<'a>(
        &'a self,
        held: &'a Held,
        cvc: Option<&'a str>,
    ) -> Result<Command<'a>, Failure> {
        let attempt = &held.attempt;
        let LookUp { key, operation, amount, captured, payment, .. } = question(held);
        let payment = payment.unwrap_or_default();
        Ok(match (&attempt.request, operation) {
            (Request::Authorize(authorize), _) => {
                let number = self
                    .number
                    .as_ref()
                    .ok_or_else(|| Failure::Bug(format!("{} has no card number", attempt.id)))?;
                let asked = authorize::command(held, authorize, held.method()?, number);
                let return_url = self.return_url.as_deref();
                let cvc = cvc.map(SecurityCode);
                Command::Authorize(connectors::Authorize { return_url, cvc, ..asked })
            }
            (Request::Capture { is_final, .. }, _) => {
                // Nothing says otherwise while the capture is under way.
                let details = &held.charge()?.details;
                let (suffix, whole) =
                    (&details.statement_descriptor_suffix, &details.statement_descriptor);
                let suffix = suffix.as_deref().or(whole.as_deref());
                Command::Capture { key, payment, amount, captured, is_final: *is_final, suffix }
            }
            (Request::Increment, _) => Command::Increment { key, payment, amount },
            (Request::Refund { .. }, Operation::Refund) => {
                let later = held.charge()?.details.later.as_deref();
                let later = later.and_then(connectors::Later::from_name);
                Command::Refund { key, payment, amount, later }
            }
            (Request::Refund { .. } | Request::Void { .. }, _) => {
                Command::Void { key, payment, amount, captured }
            }
        })
    }
}
