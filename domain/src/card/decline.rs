//! Why issuers, networks and checks refuse a card.
//!
//! Source: <https://docs.stripe.com/declines/codes>.

use serde::{Deserialize, Serialize};

use crate::ApiError;
use crate::error::CardError;

/// Why a card was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are Stripe's codes")]
pub enum Decline {
    GenericDecline,
    InsufficientFunds,
    LostCard,
    StolenCard,
    CardVelocityExceeded,
    Fraudulent,
    AuthenticationRequired,
    AuthenticationFailure,
    AuthenticationNotHandled,
    ExpiredCard,
    IncorrectCvc,
    IncorrectNumber,
    ProcessingError,
    InvalidNumber,
    InvalidExpiryMonth,
    InvalidExpiryYear,
    InvalidCvc,
    TestModeLiveCard,
    ApproveWithId,
    CallIssuer,
    CardNotSupported,
    CurrencyNotSupported,
    DoNotHonor,
    DoNotTryAgain,
    DuplicateTransaction,
    IncorrectZip,
    InvalidAccount,
    InvalidAmount,
    IssuerNotAvailable,
    MerchantBlacklist,
    NewAccountInformationAvailable,
    NoActionTaken,
    NotPermitted,
    PickupCard,
    ReenterTransaction,
    RestrictedCard,
    RevocationOfAllAuthorizations,
    RevocationOfAuthorization,
    SecurityViolation,
    ServiceNotAllowed,
    StopPaymentOrder,
    TransactionNotAllowed,
    TryAgainLater,
    WithdrawalCountLimitExceeded,
}

impl Decline {
    /// Every decline, for tables that must cover them all.
    pub const ALL: [Self; 44] = [
        Self::GenericDecline,
        Self::InsufficientFunds,
        Self::LostCard,
        Self::StolenCard,
        Self::CardVelocityExceeded,
        Self::Fraudulent,
        Self::AuthenticationRequired,
        Self::AuthenticationFailure,
        Self::AuthenticationNotHandled,
        Self::ExpiredCard,
        Self::IncorrectCvc,
        Self::IncorrectNumber,
        Self::ProcessingError,
        Self::InvalidNumber,
        Self::InvalidExpiryMonth,
        Self::InvalidExpiryYear,
        Self::InvalidCvc,
        Self::TestModeLiveCard,
        Self::ApproveWithId,
        Self::CallIssuer,
        Self::CardNotSupported,
        Self::CurrencyNotSupported,
        Self::DoNotHonor,
        Self::DoNotTryAgain,
        Self::DuplicateTransaction,
        Self::IncorrectZip,
        Self::InvalidAccount,
        Self::InvalidAmount,
        Self::IssuerNotAvailable,
        Self::MerchantBlacklist,
        Self::NewAccountInformationAvailable,
        Self::NoActionTaken,
        Self::NotPermitted,
        Self::PickupCard,
        Self::ReenterTransaction,
        Self::RestrictedCard,
        Self::RevocationOfAllAuthorizations,
        Self::RevocationOfAuthorization,
        Self::SecurityViolation,
        Self::ServiceNotAllowed,
        Self::StopPaymentOrder,
        Self::TransactionNotAllowed,
        Self::TryAgainLater,
        Self::WithdrawalCountLimitExceeded,
    ];

    /// The decline that Stripe's API calls so, by its decline code, or by its error code where it has no
    /// other.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|decline| decline.decline_code().unwrap_or(decline.code()) == name)
    }

    /// The error code.
    pub fn code(self) -> &'static str {
        match self {
            Self::AuthenticationRequired | Self::AuthenticationNotHandled => {
                "authentication_required"
            }
            Self::AuthenticationFailure => "payment_intent_authentication_failure",
            Self::ExpiredCard => "expired_card",
            Self::IncorrectCvc => "incorrect_cvc",
            Self::IncorrectNumber => "incorrect_number",
            Self::ProcessingError => "processing_error",
            Self::InvalidNumber => "invalid_number",
            Self::InvalidExpiryMonth => "invalid_expiry_month",
            Self::InvalidExpiryYear => "invalid_expiry_year",
            Self::InvalidCvc => "invalid_cvc",
            Self::IncorrectZip => "incorrect_zip",
            _ => "card_declined",
        }
    }

    /// The issuer's reason; none where the card's own data was wrong.
    pub fn decline_code(self) -> Option<&'static str> {
        match self {
            Self::GenericDecline => Some("generic_decline"),
            Self::InsufficientFunds => Some("insufficient_funds"),
            Self::LostCard => Some("lost_card"),
            Self::StolenCard => Some("stolen_card"),
            Self::CardVelocityExceeded => Some("card_velocity_exceeded"),
            Self::Fraudulent => Some("fraudulent"),
            Self::AuthenticationRequired => Some("authentication_required"),
            Self::AuthenticationNotHandled => Some("authentication_not_handled"),
            Self::ExpiredCard => Some("expired_card"),
            Self::IncorrectCvc => Some("incorrect_cvc"),
            Self::ProcessingError => Some("processing_error"),
            Self::IncorrectNumber => Some("incorrect_number"),
            Self::TestModeLiveCard => Some("test_mode_live_card"),
            Self::ApproveWithId => Some("approve_with_id"),
            Self::CallIssuer => Some("call_issuer"),
            Self::CardNotSupported => Some("card_not_supported"),
            Self::CurrencyNotSupported => Some("currency_not_supported"),
            Self::DoNotHonor => Some("do_not_honor"),
            Self::DoNotTryAgain => Some("do_not_try_again"),
            Self::DuplicateTransaction => Some("duplicate_transaction"),
            Self::IncorrectZip => Some("incorrect_zip"),
            Self::InvalidAccount => Some("invalid_account"),
            Self::InvalidAmount => Some("invalid_amount"),
            Self::IssuerNotAvailable => Some("issuer_not_available"),
            Self::MerchantBlacklist => Some("merchant_blacklist"),
            Self::NewAccountInformationAvailable => Some("new_account_information_available"),
            Self::NoActionTaken => Some("no_action_taken"),
            Self::NotPermitted => Some("not_permitted"),
            Self::PickupCard => Some("pickup_card"),
            Self::ReenterTransaction => Some("reenter_transaction"),
            Self::RestrictedCard => Some("restricted_card"),
            Self::RevocationOfAllAuthorizations => Some("revocation_of_all_authorizations"),
            Self::RevocationOfAuthorization => Some("revocation_of_authorization"),
            Self::SecurityViolation => Some("security_violation"),
            Self::ServiceNotAllowed => Some("service_not_allowed"),
            Self::StopPaymentOrder => Some("stop_payment_order"),
            Self::TransactionNotAllowed => Some("transaction_not_allowed"),
            Self::TryAgainLater => Some("try_again_later"),
            Self::WithdrawalCountLimitExceeded => Some("withdrawal_count_limit_exceeded"),
            Self::AuthenticationFailure
            | Self::InvalidNumber
            | Self::InvalidExpiryMonth
            | Self::InvalidExpiryYear
            | Self::InvalidCvc => None,
        }
    }

    /// What the issuer advises (<https://docs.stripe.com/declines#retrying-issuer-declines>).
    pub fn advice_code(self) -> Option<&'static str> {
        match self {
            Self::GenericDecline
            | Self::InsufficientFunds
            | Self::CardVelocityExceeded
            | Self::ProcessingError
            | Self::DoNotHonor
            | Self::IssuerNotAvailable
            | Self::ReenterTransaction
            | Self::TryAgainLater
            | Self::WithdrawalCountLimitExceeded => Some("try_again_later"),
            Self::LostCard
            | Self::StolenCard
            | Self::Fraudulent
            | Self::DoNotTryAgain
            | Self::MerchantBlacklist
            | Self::PickupCard
            | Self::RestrictedCard
            | Self::RevocationOfAllAuthorizations
            | Self::RevocationOfAuthorization
            | Self::SecurityViolation
            | Self::StopPaymentOrder => Some("do_not_try_again"),
            Self::ExpiredCard
            | Self::IncorrectCvc
            | Self::IncorrectNumber
            | Self::IncorrectZip
            | Self::InvalidAccount
            | Self::NewAccountInformationAvailable => Some("confirm_card_data"),
            _ => None,
        }
    }

    /// Whether another processor may see it otherwise: it tells of the way to the issuer, or of a mood of the
    /// issuer's, and not of the card or its holder.
    pub fn may_pass_elsewhere(self) -> bool {
        matches!(
            self,
            Self::GenericDecline
                | Self::ProcessingError
                | Self::DoNotHonor
                | Self::IssuerNotAvailable
                | Self::ReenterTransaction
                | Self::TryAgainLater
                | Self::NoActionTaken
        )
    }

    /// The sentence for people.
    pub fn message(self) -> &'static str {
        match self {
            Self::TestModeLiveCard => {
                "Your card was declined. Your request was in test mode, but used a non test (live) \
                 card. For a list of valid test cards, visit: https://stripe.com/docs/testing."
            }
            Self::InsufficientFunds => "Your card has insufficient funds.",
            Self::CardVelocityExceeded => {
                "Your card was declined for making repeated attempts too frequently or exceeding \
                 its amount limit."
            }
            Self::AuthenticationRequired => {
                "Your card was declined. This transaction requires authentication."
            }
            Self::AuthenticationNotHandled => {
                "This payment required an authentication action to complete, but \
                 `error_on_requires_action` was set. When you're ready, you can upgrade your \
                 integration to handle actions at \
                 https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions."
            }
            Self::AuthenticationFailure => {
                "The provided PaymentMethod has failed authentication. You can provide \
                 payment_method_data or a new PaymentMethod to attempt to fulfill this \
                 PaymentIntent again."
            }
            Self::ExpiredCard => "Your card has expired.",
            Self::IncorrectCvc => "Your card's security code is incorrect.",
            Self::IncorrectNumber => "Your card number is incorrect.",
            Self::ProcessingError => {
                "An error occurred while processing your card. Try again in a little bit."
            }
            Self::InvalidNumber => "The card number is not a valid credit card number.",
            Self::InvalidExpiryMonth => "Your card's expiration month is invalid.",
            Self::InvalidExpiryYear => "Your card's expiration year is invalid.",
            Self::InvalidCvc => "Your card's security code is invalid.",
            Self::CardNotSupported | Self::TransactionNotAllowed => {
                "Your card does not support this type of purchase."
            }
            Self::CurrencyNotSupported => "Your card does not support the specified currency.",
            Self::IncorrectZip => "The zip code you provided failed validation.",
            _ => "Your card was declined.",
        }
    }

    /// The field of the card that was wrong, where one was.
    pub fn field(self) -> Option<&'static str> {
        match self {
            Self::IncorrectNumber | Self::InvalidNumber => Some("number"),
            Self::ExpiredCard | Self::InvalidExpiryMonth => Some("exp_month"),
            Self::InvalidExpiryYear => Some("exp_year"),
            Self::IncorrectCvc | Self::InvalidCvc => Some("cvc"),
            _ => None,
        }
    }

    /// The refusal of a card whose data is wrong, before any issuer was asked.
    pub fn refuse(self) -> ApiError {
        CardError {
            decline: self,
            is_decline: false,
            charge: None,
            payment_intent: None,
            payment_method: None,
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_decline_is_found_by_its_own_name() {
        for decline in Decline::ALL {
            let name = decline.decline_code().unwrap_or(decline.code());
            assert_eq!(Decline::from_name(name), Some(decline), "{name}");
        }
        assert_eq!(Decline::from_name("card_declined"), None);
    }

    #[test]
    fn what_an_issuer_advises_against_passes_nowhere_else() {
        for decline in Decline::ALL {
            let advice = decline.advice_code().unwrap_or("try_again_later");
            assert!(!decline.may_pass_elsewhere() || advice == "try_again_later", "{decline:?}");
        }
    }
}
