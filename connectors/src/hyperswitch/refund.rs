//! What a refund says of the command that made it.

use domain::refund::Status;
use serde_json::Value;

use crate::Outcome;
use crate::answer::{missing, must_amount_to, must_be, owned, text};
use crate::command::LookUp;

/// Reads a refund that is the one which was asked about.
pub(crate) fn read(question: &LookUp<'_>, id: String, refund: &Value) -> Result<Outcome, Outcome> {
    if let Some(payment) = question.payment {
        must_be(text(refund, "/payment_id"), payment)?;
    }
    must_amount_to(refund, &id, question.amount)?;
    let status = match text(refund, "/status").ok_or_else(|| missing("/status"))? {
        "pending" | "review" => Status::Pending,
        "succeeded" => Status::Succeeded,
        "failed" => Status::Failed,
        status => return Err(Outcome::unknown(format!("the refund is {status}"))),
    };
    let failure_reason = owned(refund, "/error_code");
    Ok(Outcome::Refunded { reference: id, status, failure_reason })
}
