//! Hyperswitch's standardised codes for declines, in Stripe's words.

use domain::card::Decline;

/// The decline that a standardised code stands for; nothing where it says less than the issuer's own.
pub(crate) fn from_standardised(code: &str) -> Option<Decline> {
    Some(match code {
        "account_closed_or_invalid" | "payment_method_issue" => Decline::InvalidAccount,
        "authentication_failed" | "incorrect_authentication_code" => Decline::AuthenticationFailure,
        "authentication_required" => Decline::AuthenticationRequired,
        "authorization_missing_or_revoked" => Decline::RevocationOfAuthorization,
        "card_lost_or_stolen" => Decline::PickupCard,
        "card_not_supported_restricted" => Decline::CardNotSupported,
        "compliance_or_sanctions_restriction" => Decline::SecurityViolation,
        "credit_limit_exceeded" | "insufficient_funds" => Decline::InsufficientFunds,
        "currency_or_corridor_not_enabled" => Decline::CurrencyNotSupported,
        "do_not_honor" => Decline::DoNotHonor,
        "downstream_technical_issue" | "psp_acquirer_error" | "transaction_timed_out" => {
            Decline::ProcessingError
        }
        "duplicate_request" => Decline::DuplicateTransaction,
        "invalid_card_number" => Decline::IncorrectNumber,
        "invalid_cvv" => Decline::IncorrectCvc,
        "invalid_expiry_date" => Decline::ExpiredCard,
        "issuer_unavailable" => Decline::IssuerNotAvailable,
        "pm_address_mismatch" => Decline::IncorrectZip,
        "psp_fraud_engine_decline" | "suspected_fraud" => Decline::Fraudulent,
        "operation_not_allowed" | "transaction_not_permitted" => Decline::TransactionNotAllowed,
        "rate_limit" | "velocity_limit_exceeded" => Decline::CardVelocityExceeded,
        _ => return None,
    })
}
