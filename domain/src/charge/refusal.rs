//! Why an operation on a charge is refused.

use crate::money::Amount;

/// Why a charge cannot be refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundRefusal {
    /// Nothing was taken yet.
    #[error("the charge is not captured")]
    NotCaptured,
    /// Nothing is left.
    #[error("the charge is fully refunded")]
    AlreadyRefunded,
    /// A cardholder disputes it.
    #[error("the charge is disputed")]
    Disputed,
    /// More than is left.
    #[error("more than is left to refund")]
    TooMuch {
        /// What is left.
        unrefunded: Amount,
    },
    /// A part that the currency does not allow.
    #[error("not a multiple that the currency allows")]
    NotMultiple,
}

/// Why the money that a charge holds cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureRefusal {
    /// Another operation holds the charge.
    #[error("another operation holds the charge")]
    Locked,
    /// It never held anything.
    #[error("the charge did not succeed")]
    NotSucceeded,
    /// It was taken already.
    #[error("the charge is captured")]
    AlreadyCaptured,
    /// It was held for too long.
    #[error("the authorization has expired")]
    Expired,
    /// It was let go of.
    #[error("the authorization was released")]
    Released,
    /// More than is held.
    #[error("more than is held")]
    TooMuch {
        /// What is held.
        capturable: Amount,
    },
    /// A part that the currency does not allow.
    #[error("not a multiple that the currency allows")]
    NotMultiple,
}
