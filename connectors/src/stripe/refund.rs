//! What a refund says of the command that made it.

use domain::refund::Status;
use serde_json::Value;

use super::KEY_PATH;
use crate::Outcome;
use crate::answer::{missing, must_amount_to, must_be, owned, text};
use crate::command::LookUp;

/// Reads a refund.
pub(crate) fn read(
    question: &LookUp<'_>,
    id: &str,
    refund: &Value,
    is_lookup: bool,
) -> Result<Outcome, Outcome> {
    if let Some(reference) = question.reference {
        must_be(Some(id), reference)?;
    }
    if let Some(payment) = question.payment {
        must_be(text(refund, "/payment_intent"), payment)?;
    }
    // What is known by its reference may have been made under the key of another, which was given up before it turned up.
    if question.reference.is_none() {
        match text(refund, KEY_PATH) {
            None if !is_lookup => {}
            key => must_be(key, question.key)?,
        }
    }
    must_amount_to(refund, id, question.amount)?;
    // What was held and not taken gives nothing back (https://docs.stripe.com/reports/reporting-categories).
    let category = text(refund, "/balance_transaction/reporting_category");
    let status = match text(refund, "/status").ok_or_else(|| missing("/status"))? {
        _ if category == Some("partial_capture_reversal") => Status::Canceled,
        "pending" => Status::Pending,
        "requires_action" => Status::RequiresAction,
        "succeeded" => Status::Succeeded,
        "failed" => Status::Failed,
        "canceled" => Status::Canceled,
        status => return Err(Outcome::unknown(format!("the refund is {status}"))),
    };
    let failure_reason = owned(refund, "/failure_reason");
    Ok(Outcome::Refunded { reference: id.to_owned(), status, failure_reason })
}
