//! The life of a payment intent: from a wish to be paid to money received, or to its end without.
//!
//! Source: <https://docs.stripe.com/payments/paymentintents/lifecycle>.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{AttemptId, ChargeId, CustomerId, PaymentIntentId, PaymentMethodId};
use crate::metadata::Metadata;
use crate::money::{Amount, AmountOutOfRange, Money};
use crate::payment_method::Address;
use crate::timestamp::Timestamp;

/// Where an intent stands, with what that state alone knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for a payment method, at first or after a decline.
    RequiresPaymentMethod,
    /// It has a payment method and waits to be confirmed.
    RequiresConfirmation,
    /// The cardholder has to do something, as a 3-D Secure challenge.
    RequiresAction,
    /// A processor has it, and its outcome is not known yet.
    Processing,
    /// The money is held and may be taken.
    RequiresCapture {
        /// How much may still be taken.
        capturable: Amount,
    },
    /// The money was taken.
    Succeeded,
    /// It ended without (more) money.
    Canceled {
        /// When.
        at: Timestamp,
        /// Why, where someone said so.
        reason: Option<CancellationReason>,
    },
}

/// The name of a state, as the API and the database know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "payment_intent_status")
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is documented at its state")]
pub enum Status {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
    Succeeded,
    Canceled,
}

impl Status {
    /// Every status, in the order of an intent's life.
    pub const ALL: [Self; 7] = [
        Self::RequiresPaymentMethod,
        Self::RequiresConfirmation,
        Self::RequiresAction,
        Self::Processing,
        Self::RequiresCapture,
        Self::Succeeded,
        Self::Canceled,
    ];

    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

impl State {
    /// The state's name.
    pub fn status(&self) -> Status {
        match self {
            Self::RequiresPaymentMethod => Status::RequiresPaymentMethod,
            Self::RequiresConfirmation => Status::RequiresConfirmation,
            Self::RequiresAction => Status::RequiresAction,
            Self::Processing => Status::Processing,
            Self::RequiresCapture { .. } => Status::RequiresCapture,
            Self::Succeeded => Status::Succeeded,
            Self::Canceled { .. } => Status::Canceled,
        }
    }
}

/// Why an intent was canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are Stripe's")]
pub enum CancellationReason {
    Abandoned,
    Automatic,
    Duplicate,
    Expired,
    FailedInvoice,
    Fraudulent,
    RequestedByCustomer,
    VoidInvoice,
}

/// When the money is taken from the card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CaptureMethod {
    /// With the authorisation.
    Automatic,
    /// With the authorisation, its bookkeeping perhaps later.
    #[default]
    AutomaticAsync,
    /// When the merchant says so.
    Manual,
}

/// Who confirms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConfirmationMethod {
    /// The customer's browser or the merchant's server.
    #[default]
    Automatic,
    /// The merchant's server only.
    Manual,
}

/// Whether the card is to be kept for later payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SetupFutureUsage {
    /// Also for payments in which the cardholder takes no part.
    OffSession,
    /// For payments in which the cardholder takes part.
    OnSession,
}

/// A part of a payment's options that a merchant asks for where the card allows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Requested {
    /// Where the card allows it.
    IfAvailable,
    /// Never.
    #[default]
    Never,
}

/// When a 3-D Secure challenge is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RequestThreeDSecure {
    /// Where the card demands it.
    #[default]
    Automatic,
    /// Where the card knows it.
    Any,
    /// Where the card knows it, with a challenge.
    Challenge,
}

/// Where the goods go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Shipping {
    /// Where to.
    pub address: Option<Address>,
    /// Who brings them.
    pub carrier: Option<String>,
    /// Who gets them.
    pub name: Option<String>,
    /// With its extension.
    pub phone: Option<String>,
    /// The carrier's number.
    pub tracking_number: Option<String>,
}

/// How payment methods are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct AutomaticPaymentMethods {
    /// Whether Florin offers what the account has enabled.
    pub enabled: bool,
    /// Whether methods that send the customer to another page are among them.
    pub allow_redirects: AllowRedirects,
}

/// Whether the customer may be sent to another page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AllowRedirects {
    /// They may, so that a `return_url` is needed.
    #[default]
    Always,
    /// They may not.
    Never,
}

/// Options of a card payment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CardOptions {
    /// Overrides the intent's capture method for cards.
    pub capture_method: Option<CaptureMethod>,
    /// Whether the authorisation may be raised.
    pub request_incremental_authorization: Option<Requested>,
    /// Whether the money may be taken in several parts.
    pub request_multicapture: Option<Requested>,
    /// When a challenge is asked for.
    pub request_three_d_secure: Option<RequestThreeDSecure>,
    /// Overrides the intent's for cards.
    pub setup_future_usage: Option<SetupFutureUsage>,
    /// What the cardholder reads, in Kana.
    pub statement_descriptor_suffix_kana: Option<String>,
    /// What the cardholder reads, in Kanji.
    pub statement_descriptor_suffix_kanji: Option<String>,
}

/// A wish to be paid, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentIntent {
    /// Its identifier.
    pub id: PaymentIntentId,
    /// Whether it moves real money.
    pub livemode: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Counts its changes; a change names the version that it saw.
    pub version: i64,
    /// What the merchant wants.
    pub amount: Money,
    /// What the merchant got, refunds left aside.
    pub received: Amount,
    /// Where it stands.
    pub state: State,
    /// Who pays.
    pub customer: Option<CustomerId>,
    /// With what.
    pub payment_method: Option<PaymentMethodId>,
    /// The newest charge.
    pub latest_charge: Option<ChargeId>,
    /// The attempt that holds this intent while a processor is asked; nothing else may change it.
    pub pending_operation: Option<AttemptId>,
    /// The rest.
    pub details: Details,
}

/// What is only echoed or read after the row was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each is Stripe's parameter of the same name")]
pub struct Details {
    pub client_secret: String,
    pub capture_method: CaptureMethod,
    pub confirmation_method: ConfirmationMethod,
    pub automatic_payment_methods: Option<AutomaticPaymentMethods>,
    pub payment_method_types: Vec<String>,
    pub card_options: CardOptions,
    pub description: Option<String>,
    pub receipt_email: Option<String>,
    pub setup_future_usage: Option<SetupFutureUsage>,
    pub shipping: Option<Shipping>,
    pub statement_descriptor: Option<String>,
    pub statement_descriptor_suffix: Option<String>,
    pub transfer_group: Option<String>,
    pub application_fee_amount: Option<i64>,
    pub on_behalf_of: Option<String>,
    pub excluded_payment_method_types: Option<Vec<String>>,
    pub return_url: Option<String>,
    pub metadata: Metadata,
    /// Where the merchant reached this deployment to confirm, as `https://pay.example.com`: whoever
    /// records the processor's answer makes the link to a challenge of it.
    pub origin: String,
    /// What the cardholder has to do, in the API's shape.
    pub next_action: Option<Value>,
    /// Why the last try failed, in the API's shape.
    pub last_payment_error: Option<Value>,
    /// The attempt that waits for the cardholder.
    pub action_attempt: Option<AttemptId>,
    /// When a held authorisation ends.
    pub capture_before: Option<Timestamp>,
}

/// A change that the intent's state does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransitionError {
    /// Another operation holds the intent.
    #[error("another operation holds the payment intent")]
    Locked,
    /// The state does not allow it.
    #[error("a payment intent that is {} cannot {wanted}", from.name())]
    NotAllowed {
        /// The state that it is in.
        from: Status,
        /// What was wanted, as `be captured`.
        wanted: &'static str,
    },
    /// More than is held.
    #[error("more than can be captured")]
    TooMuch,
    /// An amount left its range.
    #[error(transparent)]
    Amount(#[from] AmountOutOfRange),
}

/// What a merchant or cardholder wants to do with an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Change what was asked for.
    Update,
    /// Charge the card.
    Confirm,
    /// Take held money.
    Capture,
    /// Hold more.
    Increment,
    /// End it.
    Cancel,
}

impl Operation {
    fn wanted(self) -> &'static str {
        match self {
            Self::Update => "be updated",
            Self::Confirm => "be confirmed",
            Self::Capture => "be captured",
            Self::Increment => "be incremented",
            Self::Cancel => "be canceled",
        }
    }

    /// The states in which it may begin.
    pub fn allowed_from(self) -> &'static [Status] {
        match self {
            Self::Update => &[
                Status::RequiresPaymentMethod,
                Status::RequiresConfirmation,
                Status::RequiresAction,
                Status::RequiresCapture,
                Status::Succeeded,
                Status::Canceled,
                Status::Processing,
            ],
            Self::Confirm => &[
                Status::RequiresPaymentMethod,
                Status::RequiresConfirmation,
                Status::RequiresAction,
            ],
            Self::Capture | Self::Increment => &[Status::RequiresCapture],
            Self::Cancel => &[
                Status::RequiresPaymentMethod,
                Status::RequiresCapture,
                Status::RequiresConfirmation,
                Status::RequiresAction,
            ],
        }
    }
}

/// The states in which the outcome of a confirmation can become known.
const CONFIRMING: &[Status] = &[
    Status::RequiresPaymentMethod,
    Status::RequiresConfirmation,
    Status::RequiresAction,
    Status::Processing,
];

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
        self.details.card_options.setup_future_usage.or(self.details.setup_future_usage)
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
        self.state = State::Canceled { at, reason };
        Ok(())
    }

    /// The state that an intent with this payment method waits in before it is confirmed.
    pub fn unconfirmed_state(payment_method: Option<&PaymentMethodId>) -> State {
        match payment_method {
            Some(_) => State::RequiresConfirmation,
            None => State::RequiresPaymentMethod,
        }
    }
}
