//! What may be done with a payment intent, and in which states it may begin.

use super::Status;
use crate::money::AmountOutOfRange;

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
    pub(super) fn wanted(self) -> &'static str {
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
