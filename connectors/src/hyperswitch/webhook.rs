//! Hyperswitch's webhooks. Their signature covers the body alone and no time, so that an old delivery looks
//! as a new one does: only the event's id tells them apart.

use domain::dispute::Status;
use domain::timestamp::Timestamp;
use hmac::Hmac;
use http::HeaderMap;
use serde_json::Value;
use sha2::Sha512;

use super::KEY_PATH;
use crate::answer::{integer, owned, read, text};
use crate::webhook::{self, Disputed, Forged, Notice, Subject, is_signed, money, plain_text};

/// The header that holds the signature.
pub(crate) const SIGNATURE: &str = "x-webhook-signature-512";

/// Reads a delivery, if Hyperswitch signed it with one of the secrets.
pub(crate) fn verify(
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[String],
) -> Result<Notice, Forged> {
    let header = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    if !is_signed::<Hmac<Sha512>>(secrets, header.into_iter(), &[body]) {
        return Err(Forged::Signature);
    }
    notice(body)
}

/// Reads a delivery that is known to be genuine.
pub(crate) fn notice(body: &[u8]) -> Result<Notice, Forged> {
    read(body).as_ref().and_then(told).ok_or(Forged::Body)
}

fn told(delivery: &Value) -> Option<Notice> {
    let object = delivery.pointer("/content/object").cloned().unwrap_or_default();
    let kind = text(delivery, "/content/type").unwrap_or_default();
    Some(Notice {
        event: plain_text(delivery, "/event_id")?,
        kind: webhook::kind(delivery, "/event_type")?,
        livemode: None,
        within: None,
        // Of a dispute: when it changed at the processor behind. When it is told is no moment of it.
        created: date(&object, "/connector_updated_at"),
        subject: subject(kind, &object).unwrap_or(Subject::Unknown),
        is_partial: false,
        object,
    })
}

fn subject(kind: &str, object: &Value) -> Option<Subject> {
    let key = plain_text(object, KEY_PATH);
    Some(match kind {
        "payment_details" => {
            let key = key.or_else(|| plain_text(object, "/merchant_order_reference_id"));
            Subject::Payment { key, reference: plain_text(object, "/payment_id")? }
        }
        "refund_details" => Subject::Refund {
            key,
            reference: plain_text(object, "/refund_id")?,
            payment: plain_text(object, "/payment_id"),
            amount: money(object, integer(object, "/amount")),
        },
        "dispute_details" => {
            dispute(object).map_or(Subject::DisputeUnread, |told| Subject::Dispute(Box::new(told)))
        }
        _ => return None,
    })
}

fn dispute(object: &Value) -> Option<Disputed> {
    let is_inquiry = text(object, "/dispute_stage")? == "pre_dispute";
    // Here amounts are texts of minor units.
    let amount = text(object, "/amount")?.parse().ok();
    Some(Disputed {
        reference: plain_text(object, "/dispute_id")?,
        payment: plain_text(object, "/payment_id")?,
        amount: money(object, amount)?,
        status: status(text(object, "/dispute_status")?, is_inquiry)?,
        reason: owned(object, "/connector_reason"),
        network_reason_code: owned(object, "/connector_reason_code"),
        due_by: date(object, "/challenge_required_by"),
    })
}

/// The moment there.
fn date(object: &Value, path: &str) -> Option<Timestamp> {
    text(object, path).and_then(Timestamp::from_text)
}

fn status(name: &str, is_inquiry: bool) -> Option<Status> {
    Some(match (name, is_inquiry) {
        ("dispute_opened", true) => Status::WarningNeedsResponse,
        ("dispute_challenged", true) => Status::WarningUnderReview,
        ("dispute_opened", false) => Status::NeedsResponse,
        ("dispute_challenged", false) => Status::UnderReview,
        ("dispute_won" | "dispute_cancelled", false) => Status::Won,
        ("dispute_lost" | "dispute_accepted" | "dispute_expired", false) => Status::Lost,
        (
            "dispute_won" | "dispute_cancelled" | "dispute_lost" | "dispute_accepted"
            | "dispute_expired",
            true,
        ) => Status::WarningClosed,
        _ => return None,
    })
}
