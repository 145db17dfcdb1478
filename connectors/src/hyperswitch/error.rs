//! Hyperswitch's errors, as they are on the wire: an object `error` with a code such as `IR_04`.

use domain::card::Decline;
use serde_json::Value;

use super::codes;
use super::outcome::expected;
use crate::answer::{text, words};
use crate::codes::{from_network, from_stripe};
use crate::command::{LookUp, Operation};
use crate::outcome::{Declined, RawDecline};
use crate::{Fault, Outcome};

/// What a refusal says of the command that was asked.
pub(crate) fn read(question: &LookUp<'_>, status: u16, answer: &Value, is_lookup: bool) -> Outcome {
    let code = text(answer, "/error/code").unwrap_or_default();
    let makes = matches!(question.operation, Operation::Authorize { .. } | Operation::Refund);
    // The card is looked at before the payment is made.
    if is_first(question) && text(answer, "/error/message") == Some("Card Expired") {
        return Outcome::Declined(Decline::ExpiredCard.into());
    }
    let fault = match (status, code) {
        // The id is taken: an earlier request under our key arrived.
        (_, "HE_01") if makes && !is_lookup => {
            return Outcome::Pending { reference: expected(question) };
        }
        // What is known to be there is in another account, or the account is another one: that is a refused
        // question, and tells nothing.
        (404, "HE_02") if is_lookup && makes && question.reference.is_none() => {
            return Outcome::NotFound;
        }
        (401 | 403, _) => Fault::Credentials,
        // Another request for the same payment may be at work.
        (status, code) if status == 409 || !is_refusal(code) => {
            return Outcome::unknown(format!("an unexpected refusal: {status} {code}"));
        }
        (_, "IR_13" | "IR_14" | "IR_16" | "HE_03" | "HE_04") if !is_first(question) => Fault::State,
        (400 | 404 | 405 | 422, _) => Fault::Request,
        _ => return Outcome::unknown(format!("an unexpected refusal: {status} {code}")),
    };
    refused(fault, answer)
}

fn refused(fault: Fault, answer: &Value) -> Outcome {
    let said = |path| words(answer, path).unwrap_or_default();
    Outcome::Refused { fault, code: said("/error/code"), message: said("/error/message") }
}

/// The refusal of what was remembered, if it is one. A card that it does not know is refused before the payment is
/// made, and its id stays free. What is refused after (its customer is gone, the currency is another, or no processor
/// behind can be paid with it) leaves a payment that nothing can come of, however late the request comes once more.
pub(crate) fn of_token(answer: &Value) -> Option<Outcome> {
    let said = |path| text(answer, path).unwrap_or_default();
    let message = said("/error/message");
    let key_is_free = match said("/error/code") {
        "HE_02" if message.starts_with("Payment method ") => true,
        "HE_03" if message.starts_with("Mandate ") => false,
        "IR_11" | "IR_39" => false,
        _ => return None,
    };
    Some(refused(Fault::Token { key_is_free }, answer))
}

fn is_first(question: &LookUp<'_>) -> bool {
    matches!(question.operation, Operation::Authorize { .. })
}

/// Whether a code is one of those with which requests are refused before anything is done. `HE_00` is all
/// that went wrong, also because another request for the same payment was at work; `CE_..` is what the
/// processor behind it said, and by then the payment or refund was made.
fn is_refusal(code: &str) -> bool {
    code.starts_with("IR_") || matches!(code, "HE_02" | "HE_03" | "HE_04")
}

/// A decline, from a payment that failed or an increment that did.
pub(crate) fn declined(failed: &Value, reference: String) -> Outcome {
    let details = |path: &str| text(failed, &format!("/error_details/{path}"));
    let code = text(failed, "/error_code");
    let network = text(failed, "/issuer_error_code").or_else(|| details("issuer_details/code"));
    let unified = details("unified_details/standardised_code");
    // What is unified says most; the code of the processor behind it may be Stripe's or the issuer's.
    let first = match (unified, network) {
        (Some(code), _) => codes::from_standardised(code),
        (None, Some(code)) => from_network(code),
        (None, None) => code.and_then(from_stripe),
    };
    let decline = first
        .or_else(|| network.and_then(from_network))
        .or_else(|| code.and_then(from_stripe))
        .or_else(|| code.and_then(from_network))
        .unwrap_or(Decline::GenericDecline);
    let advice = details("issuer_details/network_details/advice_code")
        .or_else(|| text(failed, "/network_details/network_advice_code"));
    let raw = RawDecline {
        reference: Some(reference),
        code: code.map(str::to_owned),
        message: words(failed, "/error_message"),
        advice_code: details("unified_details/recommended_action").map(str::to_owned),
        network_decline_code: network.map(str::to_owned),
        network_advice_code: advice.map(str::to_owned),
    };
    // Where something went wrong on the way, nobody knows what the processor behind it did.
    let is_clear = first.is_some_and(|decline| decline != Decline::ProcessingError);
    Outcome::Declined(Declined { decline, is_clear, raw: Some(Box::new(raw)) })
}
