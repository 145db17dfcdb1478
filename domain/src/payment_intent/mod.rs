//! A payment intent: a merchant's wish to be paid, and what became of it.
//!
//! Source: <https://docs.stripe.com/payments/paymentintents/lifecycle>.

mod operation;
mod options;
mod order;
mod state;
mod transitions;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{AttemptId, ChargeId, CustomerId, PaymentIntentId, PaymentMethodId};
use crate::metadata::Metadata;
use crate::money::{Amount, Money};
use crate::timestamp::Timestamp;

pub use operation::{Operation, TransitionError};
pub use options::{
    AllowRedirects, AutomaticPaymentMethods, CaptureMethod, CardFutureUsage, CardNetwork,
    CardOptions, ConfirmationMethod, RequestThreeDSecure, Requested, SetupFutureUsage, Shipping,
};
pub use order::{
    AmountDetails, AmountDetailsUpdate, OrderUpdate, PaymentDetails, PaymentDetailsUpdate,
    ShippingAmount, TaxAmount,
};
pub use state::{CancellationReason, State, Status};

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

/// A challenge that its cardholder completed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// The card that it was about.
    pub payment_method: PaymentMethodId,
    /// When it was completed.
    pub completed_at: Timestamp,
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
    pub amount_details: Option<AmountDetails>,
    pub payment_details: Option<PaymentDetails>,
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
    /// What a cardholder proved, where the merchant's server is to confirm once more.
    pub authentication: Option<Authentication>,
    /// When a held authorisation ends.
    pub capture_before: Option<Timestamp>,
    /// The marks of the newest updates, the last one at the end.
    pub recent_updates: Vec<String>,
}
