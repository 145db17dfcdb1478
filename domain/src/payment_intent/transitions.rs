//! How a payment intent moves on: each transition checks that it may happen, and changes all or
//! nothing.

use serde_json::Value;

use super::{
    Authentication, CancellationReason, CaptureMethod, CardFutureUsage, Operation, PaymentIntent,
    SetupFutureUsage, State, Status, TransitionError,
};
use crate::id::{AttemptId, ChargeId, PaymentMethodId};
use crate::money::Amount;
use crate::timestamp::{HOUR, Timestamp};

/// The states in which the outcome of a confirmation can become known.
const CONFIRMING: &[Status] = &[
    Status::RequiresPaymentMethod,
    Status::RequiresConfirmation,
    Status::RequiresAction,
    Status::Processing,
];

/// How many updates an intent remembers, so that one which is retried is not made again over them.
const REMEMBERED_UPDATES: usize = 8;

/// The states in which money is held.
const HOLDING: &[Status] = &[Status::RequiresCapture];

impl PaymentIntent {
    /// The state's name.
    pub fn status(&self) -> Status {
        self.state.status()
    }

    /// How much may still be taken.
    pub fn capturable(&self) -> Amount {
        match self.state {
            State::RequiresCapture { capturable } => capturable,
            _ => Amount::ZERO,
        }
    }

    /// Whether an authorisation takes the money at once.
    pub fn captures_automatically(&self) -> bool {
        let method =
            self.details.card_options.capture_method.unwrap_or(self.details.capture_method);
        method != CaptureMethod::Manual
    }

    /// Whether the card is kept for later, and for what.
    pub fn future_usage(&self) -> Option<SetupFutureUsage> {
        let of_cards = self.details.card_options.setup_future_usage;
        of_cards.map_or(self.details.setup_future_usage, CardFutureUsage::usage)
    }

    /// Checks that an operation may begin.
    ///
    /// # Errors
    /// When another operation holds the intent, or its state does not allow this one.
    pub fn check(&self, operation: Operation) -> Result<(), TransitionError> {
        if self.pending_operation.is_some() {
            return Err(TransitionError::Locked);
        }
        if operation.allowed_from().contains(&self.status()) {
            Ok(())
        } else {
            Err(TransitionError::NotAllowed { from: self.status(), wanted: operation.wanted() })
        }
    }

    /// Holds the intent for an attempt at a processor.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn hold(
        &mut self,
        operation: Operation,
        attempt: AttemptId,
    ) -> Result<(), TransitionError> {
        self.check(operation)?;
        self.pending_operation = Some(attempt);
        self.details.action_attempt = None;
        self.details.authentication = None;
        Ok(())
    }

    /// Checks that it is this attempt that holds the intent, in one of the states that its outcome
    /// can be known in.
    fn check_held(
        &self,
        attempt: &AttemptId,
        from: &[Status],
        wanted: &'static str,
    ) -> Result<(), TransitionError> {
        if self.pending_operation.as_ref() == Some(attempt) && from.contains(&self.status()) {
            Ok(())
        } else {
            Err(TransitionError::NotAllowed { from: self.status(), wanted })
        }
    }

    /// The same, and lets go of it.
    fn release(
        &mut self,
        attempt: &AttemptId,
        from: &[Status],
        wanted: &'static str,
    ) -> Result<(), TransitionError> {
        self.check_held(attempt, from, wanted)?;
        self.pending_operation = None;
        Ok(())
    }

    /// The attempt that holds the intent did nothing, and another one is made in its stead.
    ///
    /// # Errors
    /// When the attempt does not hold the intent.
    pub fn handed_on(
        &mut self,
        attempt: &AttemptId,
        next: AttemptId,
    ) -> Result<(), TransitionError> {
        self.check_held(attempt, CONFIRMING, "be tried elsewhere")?;
        self.pending_operation = Some(next);
        Ok(())
    }

    /// The processor took or holds the money.
    ///
    /// # Errors
    /// When the attempt does not hold the intent.
    pub fn authorized(
        &mut self,
        attempt: &AttemptId,
        charge: ChargeId,
        captured: bool,
        capture_before: Option<Timestamp>,
    ) -> Result<(), TransitionError> {
        self.release(attempt, CONFIRMING, "be authorized")?;
        self.latest_charge = Some(charge);
        self.details.next_action = None;
        self.details.last_payment_error = None;
        if captured {
            self.received = self.amount.amount;
            self.state = State::Succeeded;
        } else {
            self.details.capture_before = capture_before;
            self.state = State::RequiresCapture { capturable: self.amount.amount };
        }
        Ok(())
    }

    /// The processor or its issuer said no.
    ///
    /// # Errors
    /// When the attempt does not hold the intent.
    pub fn declined(
        &mut self,
        attempt: &AttemptId,
        charge: Option<ChargeId>,
        error: Value,
    ) -> Result<(), TransitionError> {
        self.release(attempt, CONFIRMING, "be declined")?;
        self.latest_charge = charge.or(self.latest_charge.take());
        self.payment_method = None;
        self.details.next_action = None;
        self.details.last_payment_error = Some(error);
        self.state = State::RequiresPaymentMethod;
        Ok(())
    }

    /// The cardholder has to prove who they are. The attempt lets go of the intent, so that it can
    /// be canceled or confirmed with another card meanwhile.
    ///
    /// # Errors
    /// When the attempt does not hold the intent.
    pub fn action_required(
        &mut self,
        attempt: &AttemptId,
        next_action: Value,
    ) -> Result<(), TransitionError> {
        self.release(attempt, CONFIRMING, "require an action")?;
        self.details.next_action = Some(next_action);
        self.details.action_attempt = Some(attempt.clone());
        self.details.last_payment_error = None;
        self.state = State::RequiresAction;
        Ok(())
    }

    /// The cardholder proved who they are, and the merchant's server is to confirm once more.
    ///
    /// # Errors
    /// When the intent does not wait for this attempt's challenge.
    pub fn action_completed(
        &mut self,
        attempt: &AttemptId,
        payment_method: PaymentMethodId,
        at: Timestamp,
    ) -> Result<(), TransitionError> {
        self.check(Operation::Confirm)?;
        if self.details.action_attempt.as_ref() != Some(attempt) {
            let wanted = "complete this action";
            return Err(TransitionError::NotAllowed { from: self.status(), wanted });
        }
        self.give_up_action();
        self.details.authentication = Some(Authentication { payment_method, completed_at: at });
        self.state = State::RequiresConfirmation;
        Ok(())
    }

    /// What the cardholder was asked for, or proved, no longer counts: what they were to pay, or
    /// with what, changed.
    pub fn give_up_action(&mut self) {
        if self.state == State::RequiresAction {
            self.state = Self::unconfirmed_state(self.payment_method.as_ref());
        }
        self.details.next_action = None;
        self.details.action_attempt = None;
        self.details.authentication = None;
    }

    /// Whether a cardholder proved lately that they pay with this card
    /// (<https://docs.stripe.com/payments/payment-intents/upgrade-to-handle-actions>: for an hour).
    pub fn is_authenticated(&self, payment_method: &PaymentMethodId, now: Timestamp) -> bool {
        self.details.authentication.as_ref().is_some_and(|proof| {
            proof.payment_method == *payment_method && now < proof.completed_at.plus(HOUR)
        })
    }

    /// The processor will say later. The attempt keeps the intent until then.
    ///
    /// # Errors
    /// When the attempt does not hold the intent.
    pub fn processing(&mut self, attempt: &AttemptId) -> Result<(), TransitionError> {
        self.check_held(attempt, CONFIRMING, "be processing")?;
        self.details.next_action = None;
        self.details.last_payment_error = None;
        self.state = State::Processing;
        Ok(())
    }

    /// Held money was taken; unless this was announced as one part of several, the rest is released.
    ///
    /// # Errors
    /// When the attempt does not hold the intent, or more was taken than is held.
    pub fn captured(
        &mut self,
        attempt: &AttemptId,
        amount: Amount,
        is_final: bool,
    ) -> Result<(), TransitionError> {
        let State::RequiresCapture { capturable } = self.state else {
            return Err(TransitionError::NotAllowed { from: self.status(), wanted: "be captured" });
        };
        let rest = capturable.minus(amount).map_err(|_| TransitionError::TooMuch)?;
        let received = self.received.plus(amount)?;
        self.release(attempt, HOLDING, "be captured")?;
        self.received = received;
        self.state = if is_final || rest.is_zero() {
            State::Succeeded
        } else {
            State::RequiresCapture { capturable: rest }
        };
        Ok(())
    }

    /// The processor holds more.
    ///
    /// # Errors
    /// When the attempt does not hold the intent, or the new amount is below the old.
    pub fn incremented(
        &mut self,
        attempt: &AttemptId,
        amount: Amount,
    ) -> Result<(), TransitionError> {
        let State::RequiresCapture { capturable } = self.state else {
            return Err(TransitionError::NotAllowed {
                from: self.status(),
                wanted: "be incremented",
            });
        };
        let more = amount.minus(self.amount.amount).map_err(|_| TransitionError::TooMuch)?;
        let capturable = capturable.plus(more)?;
        self.release(attempt, HOLDING, "be incremented")?;
        self.amount.amount = amount;
        self.state = State::RequiresCapture { capturable };
        Ok(())
    }

    /// An operation at the processor failed and left everything as it was.
    ///
    /// # Errors
    /// When the attempt does not hold the intent.
    pub fn unchanged(&mut self, attempt: &AttemptId) -> Result<(), TransitionError> {
        self.release(attempt, &Status::ALL, "be released")
    }

    /// It ended; held money was released. What an earlier part took stays taken: then it succeeded.
    ///
    /// # Errors
    /// When the state does not allow it, or another operation holds the intent.
    pub fn canceled(
        &mut self,
        attempt: Option<&AttemptId>,
        at: Timestamp,
        reason: Option<CancellationReason>,
    ) -> Result<(), TransitionError> {
        match attempt {
            Some(attempt) => {
                let operation = Operation::Cancel;
                self.release(attempt, operation.allowed_from(), operation.wanted())?;
            }
            None => self.check(Operation::Cancel)?,
        }
        self.details.next_action = None;
        self.details.action_attempt = None;
        self.state =
            if self.received.is_zero() { State::Canceled { at, reason } } else { State::Succeeded };
        Ok(())
    }

    /// Whether the update with this mark was made, and few others since.
    pub fn has_update(&self, mark: &str) -> bool {
        self.details.recent_updates.iter().any(|update| update == mark)
    }

    /// Remembers an update by a mark that only its own request makes.
    pub fn remember_update(&mut self, mark: String) {
        let updates = &mut self.details.recent_updates;
        updates.push(mark);
        let forgotten = updates.len().saturating_sub(REMEMBERED_UPDATES);
        updates.drain(..forgotten);
    }

    /// The state that an intent with this payment method waits in before it is confirmed.
    pub fn unconfirmed_state(payment_method: Option<&PaymentMethodId>) -> State {
        match payment_method {
            Some(_) => State::RequiresConfirmation,
            None => State::RequiresPaymentMethod,
        }
    }
}
