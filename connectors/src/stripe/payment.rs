//! What a payment intent says of the command that made or changed it.

use domain::card::{Check, Checks};
use domain::charge::Risk;
use domain::timestamp::Timestamp;
use serde_json::Value;

use super::error;
use crate::answer::{
    integer, issued, mismatch, missing, must_amount_to, must_be_in, owned, shown, text, total,
};
use crate::command::{LookUp, Operation, is_plain};
use crate::outcome::Remembered;
use crate::{Fault, Outcome};

/// Reads a payment intent that is the one which was asked about.
pub(crate) fn read(
    question: &LookUp<'_>,
    id: &str,
    intent: &Value,
    is_lookup: bool,
) -> Result<Outcome, Outcome> {
    let status = text(intent, "/status").ok_or_else(|| missing("/status"))?;
    // What has not happened yet was not done, or is not over: only the answer to a lookup is that old.
    let not_yet = if is_lookup {
        Outcome::NotFound
    } else {
        Outcome::unknown(format!("the payment is {status}"))
    };
    match question.operation {
        Operation::Authorize { capture } => {
            must_amount_to(intent, id, question.amount)?;
            authorized(question, id, intent, status, capture)
        }
        Operation::Increment => {
            must_be_in(intent, id, question.amount)?;
            match (status, integer(intent, "/amount")) {
                ("canceled", _) => Ok(Outcome::Canceled { reference: id.to_owned() }),
                (_, Some(amount)) => incremented(question, id, amount, not_yet),
                (_, None) => Err(missing("/amount")),
            }
        }
        Operation::Capture => captured(question, id, intent, status, not_yet),
        Operation::Void => voided(question, id, intent, status, not_yet),
        Operation::Refund => Err(Outcome::unknown("a payment instead of a refund")),
    }
}

fn authorized(
    question: &LookUp<'_>,
    id: &str,
    intent: &Value,
    status: &str,
    capture: bool,
) -> Result<Outcome, Outcome> {
    let reference = id.to_owned();
    Ok(match status {
        "succeeded" | "requires_capture" => {
            let (path, verb) = match status {
                "succeeded" => ("/amount_received", "taken"),
                _ => ("/amount_capturable", "held"),
            };
            let amount = integer(intent, path).ok_or_else(|| missing(path))?;
            let asked = if capture { "taken" } else { "held" };
            if verb != asked || amount != question.amount.amount.minor_units() {
                let found = format!("{amount} {} {verb}", question.amount.currency);
                let expected = format!("{} {asked}", shown(question.amount));
                return Err(mismatch(id, expected, found));
            }
            success(reference, intent)
        }
        "processing" => Outcome::Pending { reference },
        "canceled" => match integer(intent, "/amount_received") {
            // Somebody else took a part, and let go of the rest.
            Some(taken) if taken > 0 => {
                let found = format!("{taken} {} taken of it", question.amount.currency);
                return Err(mismatch(id, shown(question.amount), found));
            }
            _ => Outcome::Canceled { reference },
        },
        "requires_action" => Outcome::ChallengeRequired {
            reference: Some(reference),
            url: owned(intent, "/next_action/redirect_to_url/url"),
        },
        "requires_payment_method" => match intent.get("last_payment_error") {
            Some(error) if error.is_object() => error::declined(error, Some(reference)),
            _ => Outcome::unknown("the payment was not confirmed"),
        },
        status => Outcome::unknown(format!("the payment is {status}")),
    })
}

fn success(reference: String, intent: &Value) -> Outcome {
    let charge = |path: &str| text(intent, &format!("/latest_charge/{path}"));
    let checked = |name: &str| match charge(&format!("payment_method_details/card/checks/{name}"))?
    {
        "pass" => Some(Check::Pass),
        "fail" => Some(Check::Fail),
        "unavailable" => Some(Check::Unavailable),
        _ => Some(Check::Unchecked),
    };
    Outcome::Authorized {
        risk: match charge("outcome/risk_level") {
            Some("highest") => Risk::Highest,
            Some("elevated") => Risk::Elevated,
            _ => Risk::Normal,
        },
        checks: Checks {
            address_line1_check: checked("address_line1_check"),
            address_postal_code_check: checked("address_postal_code_check"),
            cvc_check: checked("cvc_check"),
        },
        issued: issued(
            intent,
            "/latest_charge/payment_method_details/card/country",
            "/latest_charge/payment_method_details/card/funding",
        ),
        multicapture: charge("payment_method_details/card/multicapture/status")
            == Some("available"),
        incremental: charge("payment_method_details/card/incremental_authorization/status")
            != Some("unavailable"),
        authenticated: charge("payment_method_details/card/three_d_secure/result")
            == Some("authenticated"),
        later: None,
        remembered: remembered(intent).map(Box::new),
        capture_before: integer(
            intent,
            "/latest_charge/payment_method_details/card/capture_before",
        )
        .map(Timestamp),
        reference,
    }
}

/// A card that it was asked to remember, and that no customer keeps there yet.
fn remembered(intent: &Value) -> Option<Remembered> {
    text(intent, "/setup_future_usage")?;
    if intent.get("customer").is_some_and(Value::is_string) {
        return None;
    }
    Some(Remembered {
        card: owned(intent, "/payment_method").filter(|card| is_plain(card))?,
        customer: None,
        network_transaction: owned(
            intent,
            "/latest_charge/payment_method_details/card/network_transaction_id",
        ),
    })
}

/// A capture shows in what was received.
fn captured(
    question: &LookUp<'_>,
    id: &str,
    intent: &Value,
    status: &str,
    not_yet: Outcome,
) -> Result<Outcome, Outcome> {
    must_be_in(intent, id, question.amount)?;
    let path = "/amount_received";
    let received = integer(intent, path).ok_or_else(|| missing(path))?;
    let expected = total(question.captured, question.amount.amount)?;
    let reference = id.to_owned();
    Ok(match status {
        // The rest of what was held may be let go of by now.
        "succeeded" | "requires_capture" | "canceled" if received == expected => {
            Outcome::Done { reference }
        }
        "processing" => Outcome::Pending { reference },
        "canceled" => Outcome::Canceled { reference },
        "requires_capture" if received == question.captured.minor_units() => not_yet,
        _ => {
            let currency = question.amount.currency;
            let (asked, found) =
                (format!("{expected} {currency} taken"), format!("{received} {currency} taken"));
            return Err(mismatch(id, asked, found));
        }
    })
}

/// An increment shows in the amount. What is found there later may be from before it, which was less.
fn incremented(
    question: &LookUp<'_>,
    id: &str,
    amount: i64,
    not_yet: Outcome,
) -> Result<Outcome, Outcome> {
    let asked = question.amount.amount.minor_units();
    match amount {
        _ if amount == asked => Ok(Outcome::Done { reference: id.to_owned() }),
        _ if amount < asked && not_yet == Outcome::NotFound => Ok(not_yet),
        _ => {
            let found = format!("{amount} {} held", question.amount.currency);
            Err(mismatch(id, format!("{} held", shown(question.amount)), found))
        }
    }
}

/// A void shows in a payment that is over with no more received than before.
fn voided(
    question: &LookUp<'_>,
    id: &str,
    intent: &Value,
    status: &str,
    not_yet: Outcome,
) -> Result<Outcome, Outcome> {
    let path = "/amount_received";
    let received = integer(intent, path).ok_or_else(|| missing(path))?;
    let is_as_known = received == question.captured.minor_units();
    let reference = id.to_owned();
    Ok(match status {
        "canceled" if is_as_known => Outcome::Done { reference },
        "succeeded" if is_as_known && received > 0 => Outcome::Done { reference },
        "requires_capture" if is_as_known => not_yet,
        // What was taken cannot be let go of any more, only given back.
        "succeeded" | "canceled" | "requires_capture" => Outcome::Refused {
            fault: Fault::State,
            code: status.to_owned(),
            message: format!("The payment took {received} {}.", question.amount.currency),
        },
        "processing" => Outcome::Pending { reference },
        _ => not_yet,
    })
}
