//! Stripe's webhooks (<https://docs.stripe.com/webhooks#verify-manually>).

use domain::dispute::Status;
use domain::timestamp::Timestamp;
use hmac::Hmac;
use http::HeaderMap;
use serde_json::Value;
use sha2::Sha256;

use super::KEY_PATH;
use crate::answer::{integer, owned, read, text};
use crate::webhook::{
    Disputed, Forged, Notice, Subject, TOLERANCE, is_signed, kind, moment, money, plain_text,
};

/// The header that holds the signatures.
pub(crate) const SIGNATURE: &str = "stripe-signature";

/// Reads a delivery, if Stripe signed it with one of the secrets not long ago.
pub(crate) fn verify(
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[String],
    now: Timestamp,
) -> Result<Notice, Forged> {
    let header = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    let named = |name: &'static str| {
        let parts = header.unwrap_or_default().split(',').filter_map(|part| part.split_once('='));
        parts.filter(move |part| part.0.trim() == name).map(|part| part.1)
    };
    // What is signed and how old it is are told by the same moment: the first, if there were several.
    let signed_at = named("t").next().unwrap_or_default();
    let signed = [signed_at.as_bytes(), b".", body];
    // Each secret that is in use has signed: any of the signatures will do.
    let is_genuine = is_signed::<Hmac<Sha256>>(secrets, named("v1"), &signed);
    let signed_at: i64 = match signed_at.parse() {
        Ok(signed_at) if is_genuine => signed_at,
        _ => return Err(Forged::Signature),
    };
    if now.seconds().abs_diff(signed_at) > TOLERANCE.unsigned_abs() {
        return Err(Forged::Timestamp);
    }
    notice(body)
}

/// Reads a delivery that is known to be genuine.
pub(crate) fn notice(body: &[u8]) -> Result<Notice, Forged> {
    read(body).as_ref().and_then(told).ok_or(Forged::Body)
}

fn told(event: &Value) -> Option<Notice> {
    let object = event.pointer("/data/object").cloned().unwrap_or_default();
    Some(Notice {
        event: plain_text(event, "/id")?,
        kind: kind(event, "/type")?,
        // Connected accounts (https://docs.stripe.com/connect/webhooks) are named, and one's own is not.
        within: owned(event, "/account"),
        created: moment(event, "/created"),
        livemode: event.get("livemode").and_then(Value::as_bool),
        subject: subject(&object).unwrap_or(Subject::Unknown),
        // An event never expands the objects that its own names.
        is_partial: !object.get("latest_charge").is_some_and(Value::is_object),
        object,
    })
}

fn subject(object: &Value) -> Option<Subject> {
    let key = plain_text(object, KEY_PATH);
    Some(match text(object, "/object")? {
        "payment_intent" => Subject::Payment { key, reference: plain_text(object, "/id")? },
        "refund" => Subject::Refund {
            key,
            reference: plain_text(object, "/id")?,
            payment: plain_text(object, "/payment_intent"),
            amount: money(object, integer(object, "/amount")),
        },
        // Every event of a charge shows the sum; one of which nothing went back says nothing new. What was held and not
        // taken is in that sum where it was let go of before 2025-03-31 (https://docs.stripe.com/changelog).
        "charge" => {
            let amount = |name: &str| integer(object, name);
            let let_go = amount("/amount").zip(amount("/amount_captured"));
            let let_go = let_go.map_or(0, |(held, taken)| held.saturating_sub(taken));
            let refunded = amount("/amount_refunded")?;
            if refunded == 0 || refunded == let_go {
                return Some(Subject::Nothing);
            }
            let payment = plain_text(object, "/payment_intent")?;
            Subject::Refunds { payment, total: money(object, Some(refunded))? }
        }
        "dispute" => {
            dispute(object).map_or(Subject::DisputeUnread, |told| Subject::Dispute(Box::new(told)))
        }
        _ => return None,
    })
}

fn dispute(object: &Value) -> Option<Disputed> {
    let status = text(object, "/status")?;
    Some(Disputed {
        reference: plain_text(object, "/id")?,
        payment: plain_text(object, "/payment_intent")?,
        amount: money(object, integer(object, "/amount"))?,
        status: Status::ALL.into_iter().find(|known| known.name() == status)?,
        reason: owned(object, "/reason"),
        network_reason_code: owned(object, "/payment_method_details/card/network_reason_code"),
        due_by: moment(object, "/evidence_details/due_by"),
    })
}
