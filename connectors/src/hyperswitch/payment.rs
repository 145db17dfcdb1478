//! What a payment says of the command that made or changed it.

use domain::card::Checks;
use domain::charge::Risk;
use serde_json::Value;

use super::{customer_id, error};
use crate::answer::{
    integer, issued, mismatch, missing, must_amount_to, must_be_in, owned, shown, text, total,
};
use crate::command::{LookUp, Operation, is_plain};
use crate::outcome::Remembered;
use crate::{Fault, Outcome};

/// Reads a payment that is the one which was asked about.
pub(crate) fn read(
    question: &LookUp<'_>,
    id: String,
    payment: &Value,
    is_lookup: bool,
) -> Result<Outcome, Outcome> {
    let status = text(payment, "/status").ok_or_else(|| missing("/status"))?;
    // A void that the processor behind it refuses leaves the payment failed, too: nobody knows what is held there.
    let is_to_be_let_go =
        question.operation == Operation::Void || text(payment, "/cancellation_reason").is_some();
    if status == "conflicted" || status == "failed" && is_to_be_let_go {
        // Its own check of the amounts there failed, or that.
        return Err(mismatch(&id, shown(question.amount), status.to_owned()));
    }
    // What has not happened yet was not done, or is not over: only the answer to a lookup is that old.
    let not_yet = if is_lookup {
        Outcome::NotFound
    } else {
        Outcome::unknown(format!("the payment is {status}"))
    };
    match question.operation {
        Operation::Authorize { capture } => {
            must_amount_to(payment, &id, question.amount)?;
            // It was begun, and no processor behind was asked yet, nor will be where the request was refused since.
            if status == "requires_payment_method" {
                return Ok(not_yet);
            }
            authorized(question, id, payment, status, capture)
        }
        Operation::Capture => captured(question, id, payment, status, not_yet),
        Operation::Increment => incremented(question, id, payment, status, not_yet),
        Operation::Void => Ok(match status {
            "cancelled" | "cancelled_post_capture" | "expired" => Outcome::Done { reference: id },
            // What was taken cannot be let go of any more, only given back.
            "succeeded" | "partially_captured" => Outcome::Refused {
                fault: Fault::State,
                code: status.to_owned(),
                message: "The payment was captured.".to_owned(),
            },
            "processing" => Outcome::Pending { reference: id },
            _ => not_yet,
        }),
        Operation::Refund => Err(Outcome::unknown("a payment instead of a refund")),
    }
}

fn authorized(
    question: &LookUp<'_>,
    id: String,
    payment: &Value,
    status: &str,
    capture: bool,
) -> Result<Outcome, Outcome> {
    Ok(match status {
        "succeeded"
        | "requires_capture"
        | "partially_captured"
        | "partially_captured_and_capturable"
        | "partially_authorized_and_requires_capture" => {
            let (path, verb) = match status {
                "requires_capture" | "partially_authorized_and_requires_capture" => {
                    ("/amount_capturable", "held")
                }
                _ => ("/amount_received", "taken"),
            };
            let amount = integer(payment, path).ok_or_else(|| missing(path))?;
            let asked = if capture { "taken" } else { "held" };
            if verb != asked || amount != question.amount.amount.minor_units() {
                let found = format!("{amount} {} {verb}", question.amount.currency);
                return Err(mismatch(&id, format!("{} {asked}", shown(question.amount)), found));
            }
            // Risk and checks stay with the processor behind it; captures in parts are not asked for.
            let (risk, checks) = (Risk::Normal, Checks::default());
            Outcome::Authorized {
                reference: id,
                risk,
                checks,
                issued: issued(
                    payment,
                    "/payment_method_data/card/card_issuing_country",
                    "/payment_method_data/card/card_type",
                ),
                multicapture: false,
                incremental: payment.get("incremental_authorization_allowed")
                    == Some(&Value::Bool(true)),
                authenticated: false,
                later: None,
                remembered: remembered(question, payment).map(Box::new),
                capture_before: None,
            }
        }
        "requires_customer_action" => Outcome::ChallengeRequired {
            reference: Some(id),
            url: owned(payment, "/next_action/redirect_to_url"),
        },
        "processing"
        | "requires_merchant_action"
        | "review"
        | "partially_captured_and_processing" => Outcome::Pending { reference: id },
        "failed" => error::declined(payment, id),
        "cancelled" | "cancelled_post_capture" | "expired" => Outcome::Canceled { reference: id },
        status => Outcome::unknown(format!("the payment is {status}")),
    })
}

/// A card that it was asked to remember for payments in its holder's absence.
fn remembered(question: &LookUp<'_>, payment: &Value) -> Option<Remembered> {
    text(payment, "/setup_future_usage").filter(|usage| *usage == "off_session")?;
    Some(Remembered {
        card: owned(payment, "/payment_method_id").filter(|card| is_plain(card))?,
        customer: Some(customer_id(question.key)),
        network_transaction: owned(payment, "/network_transaction_id"),
    })
}

/// A capture shows in what was received.
fn captured(
    question: &LookUp<'_>,
    id: String,
    payment: &Value,
    status: &str,
    not_yet: Outcome,
) -> Result<Outcome, Outcome> {
    must_be_in(payment, &id, question.amount)?;
    Ok(match status {
        "succeeded" | "partially_captured" => {
            let path = "/amount_received";
            let received = integer(payment, path).ok_or_else(|| missing(path))?;
            let expected = total(question.captured, question.amount.amount)?;
            if received != expected {
                let currency = question.amount.currency;
                let found = format!("{received} {currency} taken");
                return Err(mismatch(&id, format!("{expected} {currency} taken"), found));
            }
            Outcome::Done { reference: id }
        }
        "failed" => error::declined(payment, id),
        "cancelled" | "cancelled_post_capture" | "expired" => Outcome::Canceled { reference: id },
        "requires_capture" => not_yet,
        // Captures in parts are not asked for: somebody else did that.
        "partially_captured_and_capturable" => {
            return Err(mismatch(
                &id,
                format!("{} taken", shown(question.amount)),
                status.to_owned(),
            ));
        }
        // It is reviewed where a bank sends back what was taken: https://github.com/juspay/hyperswitch/pull/11859
        "processing" | "partially_captured_and_processing" | "review" => {
            Outcome::Pending { reference: id }
        }
        status => Outcome::unknown(format!("the payment is {status}")),
    })
}

/// An increment shows in the amount, or in the list of those that were tried.
fn incremented(
    question: &LookUp<'_>,
    id: String,
    payment: &Value,
    status: &str,
    not_yet: Outcome,
) -> Result<Outcome, Outcome> {
    must_be_in(payment, &id, question.amount)?;
    let amount = question.amount.amount.minor_units();
    if matches!(status, "cancelled" | "expired") {
        return Ok(Outcome::Canceled { reference: id });
    }
    match integer(payment, "/amount").ok_or_else(|| missing("/amount"))? {
        held if held == amount => return Ok(Outcome::Done { reference: id }),
        // Before it, less was held.
        held if held > amount => {
            let found = format!("{held} {} held", question.amount.currency);
            return Err(mismatch(&id, format!("{} held", shown(question.amount)), found));
        }
        _ => {}
    }
    let tried = payment.get("incremental_authorizations").and_then(Value::as_array);
    let mut refused = None;
    for tried in tried.into_iter().flatten() {
        if integer(tried, "/amount") != Some(amount) {
            continue;
        }
        // Those before it are over: one that is not is the one that was asked about.
        if text(tried, "/status") != Some("failure") {
            return Ok(Outcome::Pending { reference: id });
        }
        refused = Some(tried);
    }
    // Nothing in the list is ours by name. The answer to the increment itself has it; what is found later may be all of
    // others to the same total, and this one still on its way.
    Ok(match refused {
        Some(refused) if !matches!(not_yet, Outcome::NotFound) => error::declined(refused, id),
        _ => not_yet,
    })
}
