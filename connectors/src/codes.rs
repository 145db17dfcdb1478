//! Other people's codes for declines, in Stripe's words.

use domain::card::Decline;

/// Stripe's own codes, and those that stand for what only a terminal at a till would ask for.
pub(crate) fn from_stripe(code: &str) -> Option<Decline> {
    Decline::from_name(code).or(match code {
        "testmode_decline" => Some(Decline::TestModeLiveCard),
        "pin_try_exceeded" => Some(Decline::CardVelocityExceeded),
        "invalid_card_type" => Some(Decline::CardNotSupported),
        "card_decline_rate_limit_exceeded" => Some(Decline::CardVelocityExceeded),
        "setup_intent_authentication_failure" => Some(Decline::AuthenticationFailure),
        _ => None,
    })
}

/// What issuers answer over the networks (ISO 8583, data element 39, and the networks' own additions:
/// <https://docs.stripe.com/declines/network-codes>).
pub(crate) fn from_network(code: &str) -> Option<Decline> {
    Some(match code {
        "01" | "02" | "08" => Decline::CallIssuer,
        "03" | "58" => Decline::ServiceNotAllowed,
        "04" => Decline::PickupCard,
        "05" => Decline::DoNotHonor,
        "07" | "59" => Decline::Fraudulent,
        "12" | "57" | "93" => Decline::TransactionNotAllowed,
        "13" => Decline::InvalidAmount,
        "14" => Decline::IncorrectNumber,
        "15" | "46" | "78" => Decline::InvalidAccount,
        "19" => Decline::ReenterTransaction,
        "41" => Decline::LostCard,
        "43" => Decline::StolenCard,
        "51" => Decline::InsufficientFunds,
        "54" => Decline::ExpiredCard,
        "61" | "65" => Decline::CardVelocityExceeded,
        "62" => Decline::RestrictedCard,
        "63" => Decline::SecurityViolation,
        "82" | "N7" => Decline::IncorrectCvc,
        "91" => Decline::IssuerNotAvailable,
        "94" => Decline::DuplicateTransaction,
        "96" => Decline::ProcessingError,
        "1A" | "70" => Decline::AuthenticationRequired,
        "R0" => Decline::StopPaymentOrder,
        "R1" => Decline::RevocationOfAuthorization,
        "R3" => Decline::RevocationOfAllAuthorizations,
        _ => return None,
    })
}
