//! Where a payment intent stands.

use serde::{Deserialize, Serialize};

use crate::money::Amount;
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
