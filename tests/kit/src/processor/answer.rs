//! How the processor answers.

use serde_json::{Value, json};

use super::Paid;

/// A payment as it is shown.
pub(super) fn shown(paid: &Paid) -> Value {
    let holds = if paid.status == "requires_capture" { paid.amount - paid.taken } else { 0 };
    let challenge = json!({
        "type": "redirect_to_url",
        "redirect_to_url": { "url": format!("https://acs.test/{}", paid.id) },
    });
    let declined = json!({
        "type": "card_error", "code": "card_declined", "decline_code": paid.decline.0,
        "network_decline_code": paid.decline.1, "message": "Your card was declined.",
    });
    json!({
        "id": paid.id,
        "object": "payment_intent",
        "amount": paid.amount,
        "amount_capturable": holds,
        "amount_received": paid.taken,
        "currency": paid.currency,
        "metadata": { "florin_key": paid.key },
        "status": paid.status,
        "customer": paid.token.as_ref().map(|(_, customer)| customer),
        "payment_method": paid.remembers,
        "setup_future_usage": paid.remembers.as_ref().map(|_| "off_session"),
        "next_action": if paid.status == "requires_action" { challenge } else { Value::Null },
        "last_payment_error":
            if paid.status == "requires_payment_method" { declined } else { Value::Null },
        "latest_charge": {
            "outcome": { "risk_level": "normal" },
            "payment_method_details": { "card": {
                "checks": { "cvc_check": "pass" },
                "country": "DE",
                "funding": "debit",
                "multicapture": { "status": "available" },
                "network_transaction_id": "MCC123456789",
            } },
        },
    })
}

/// An error.
pub(super) fn error(status: u16, kind: &str, code: &str, message: &str) -> (u16, String) {
    (status, json!({ "error": { "type": kind, "code": code, "message": message } }).to_string())
}
