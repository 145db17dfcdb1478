//! Stripe's errors (<https://docs.stripe.com/api/errors>).

use domain::card::Decline;
use serde_json::Value;

use crate::answer::{owned, text, words};
use crate::codes;
use crate::outcome::{Declined, RawDecline};
use crate::{Fault, Outcome};

/// What a refusal says of the command that was asked.
pub(crate) fn read(status: u16, answer: &Value, is_lookup: bool) -> Outcome {
    let Some(error) = answer.get("error") else {
        return Outcome::unknown("an error without an error");
    };
    let kind = text(error, "/type").unwrap_or_default();
    let code = text(error, "/code").unwrap_or_default();
    let fault = match (status, kind, code) {
        // As of accounts that may not send the numbers of cards: that says nothing of the card.
        (402, "invalid_request_error", _) => Fault::Request,
        (402, ..) | (400, "card_error", _) if !is_lookup => {
            return declined(error, owned(error, "/payment_intent/id"));
        }
        // What was searched for in vain is an empty list. Something that was there is in another account, or the
        // account is another one: that is a refused question.
        // The key did something before, with other parameters; or it is doing it now.
        (_, "idempotency_error", _) | (409 | 424, ..) => {
            let problem = text(error, "/message").unwrap_or(code);
            return Outcome::unknown(problem);
        }
        (401 | 403, ..) => Fault::Credentials,
        (_, _, code) if is_about_state(code) => Fault::State,
        (400 | 404, "invalid_request_error", _) => Fault::Request,
        _ => return Outcome::unknown(format!("an unexpected refusal: {status} {kind} {code}")),
    };
    let message = words(error, "/message").unwrap_or_default();
    Outcome::Refused { fault, code: code.to_owned(), message }
}

/// Whether an error is about the card or the customer that it was asked with, and nothing was begun.
pub(crate) fn is_of_token(answer: &Value) -> bool {
    let is =
        |path: &str, texts: &[&str]| text(answer, path).is_some_and(|said| texts.contains(&said));
    is("/error/type", &["invalid_request_error"])
        && is("/error/param", &["payment_method", "customer"])
        && answer.pointer("/error/payment_intent").is_none()
}

/// The refusal of what it was asked with.
pub(crate) fn token(answer: &Value) -> Outcome {
    let said = |path: &str| owned(answer, path).unwrap_or_default();
    let (code, message) = (said("/error/code"), said("/error/message"));
    let fault = Fault::Token { key_is_free: false };
    Outcome::Refused { fault, code, message }
}

/// Whether an error code says that the payment is not as the request needs it.
fn is_about_state(code: &str) -> bool {
    const CODES: [&str; 8] = [
        "amount_too_large",
        "capture_charge_authorization_expired",
        "charge_already_captured",
        "charge_already_refunded",
        "charge_disputed",
        "charge_expired_for_capture",
        "intent_invalid_state",
        "payment_intent_unexpected_state",
    ];
    CODES.contains(&code)
}

/// A decline, from the error of an answer or the last error of a payment.
pub(crate) fn declined(error: &Value, reference: Option<String>) -> Outcome {
    let (code, decline_code) = (text(error, "/code"), text(error, "/decline_code"));
    let network = text(error, "/network_decline_code");
    // The issuer's own reason says more than the error's code; both are Stripe's. A charge that it declines took nothing,
    // also where processing it went wrong.
    let reason = decline_code.or(code);
    let clear = reason.and_then(codes::from_stripe);
    let decline = clear
        .or_else(|| code.and_then(codes::from_stripe))
        .or_else(|| network.and_then(codes::from_network))
        .unwrap_or(Decline::GenericDecline);
    let raw = RawDecline {
        reference,
        code: reason.map(str::to_owned),
        message: words(error, "/message"),
        advice_code: owned(error, "/advice_code"),
        network_decline_code: network.map(str::to_owned),
        network_advice_code: owned(error, "/network_advice_code"),
    };
    Outcome::Declined(Declined { decline, is_clear: clear.is_some(), raw: Some(Box::new(raw)) })
}
