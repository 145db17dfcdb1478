//! Stripe, as its connector meets it.

use connectors::Connector;
use domain::card::Decline;
use domain::timestamp::Timestamp;
use domain::webhook::signature;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::commands::{KEY, named};
use crate::situations::Situation as S;
use crate::tokens::CARD;
use crate::{Processor, Told};

pub struct Stripe;

const PAYMENT: &str = "pi_3OabcDEF";
const REFUND: &str = "re_3OabcDEF";

fn payment(status: &str, received: i64, change: Value) -> Value {
    let mut payment = json!({
        "id": PAYMENT,
        "object": "payment_intent",
        "amount": 2000,
        "amount_capturable": if status == "requires_capture" { 2000 } else { 0 },
        "amount_received": received,
        "currency": "usd",
        "last_payment_error": null,
        "metadata": { "florin_key": KEY },
        "next_action": null,
        "status": status,
    });
    merge(&mut payment, change);
    payment
}

fn refund(status: &str, change: Value) -> Value {
    let mut refund = json!({
        "id": REFUND,
        "object": "refund",
        "amount": 500,
        "currency": "usd",
        "metadata": { "florin_key": KEY },
        "payment_intent": PAYMENT,
        "status": status,
    });
    merge(&mut refund, change);
    refund
}

/// Sets what a change names.
pub fn merge(value: &mut Value, change: Value) {
    if let (Value::Object(fields), Value::Object(changes)) = (value, change) {
        fields.extend(changes);
    }
}

fn list(object: &str, data: Value) -> Value {
    json!({ "object": object, "data": data, "has_more": false })
}

fn error(status: u16, error: Value) -> (u16, String) {
    (status, json!({ "error": error }).to_string())
}

fn invalid(status: u16, code: &str) -> (u16, String) {
    error(status, json!({ "type": "invalid_request_error", "code": code, "message": "No." }))
}

fn challenge() -> Value {
    json!({ "next_action": {
        "type": "redirect_to_url",
        "redirect_to_url": { "url": "https://acs.example/challenge?a=b" },
    } })
}

fn last_error(code: &str, decline_code: Option<&str>) -> Value {
    json!({ "last_payment_error": {
        "type": "card_error", "code": code, "decline_code": decline_code, "message": "No.",
    } })
}

fn object(situation: S) -> Value {
    let none = || json!({});
    match situation {
        S::Taken | S::FoundByReference => payment("succeeded", 2000, none()),
        S::Held => payment("requires_capture", 0, none()),
        S::Challenged | S::StillChallenged => payment("requires_action", 0, challenge()),
        S::StillProcessing => payment("processing", 0, none()),
        S::TakenInsteadOfHeld => payment("succeeded", 2000, none()),
        S::HeldInsteadOfTaken => payment("requires_capture", 0, none()),
        S::AnotherPayment => {
            payment("succeeded", 2000, json!({ "metadata": { "florin_key": "att_another" } }))
        }
        S::WrongAmount => payment("succeeded", 2001, json!({ "amount": 2001 })),
        S::LessTaken => payment("succeeded", 1999, none()),
        S::WrongCurrency => payment("succeeded", 2000, json!({ "currency": "eur" })),
        S::FoundByKey => list("search_result", json!([payment("succeeded", 2000, none())])),
        S::FoundWithWrongAmount => {
            let found = payment("succeeded", 2001, json!({ "amount": 2001 }));
            list("search_result", json!([found]))
        }
        S::DeclinedSince => {
            let error = last_error("card_declined", Some("insufficient_funds"));
            list("search_result", json!([payment("requires_payment_method", 0, error)]))
        }
        S::ChallengeFailed => {
            let error = last_error("payment_intent_authentication_failure", None);
            payment("requires_payment_method", 0, error)
        }
        S::CanceledSince | S::Voided | S::VoidFound => payment("canceled", 0, none()),
        S::NotFound => list("search_result", json!([])),
        S::Captured | S::CaptureFound | S::CapturedTooMuch => payment("succeeded", 2000, none()),
        S::CapturedInPart => payment("succeeded", 1500, none()),
        S::CaptureNotFound | S::IncrementNotFound | S::VoidNotFound => {
            payment("requires_capture", 0, none())
        }
        S::Incremented => payment("requires_capture", 0, json!({ "amount": 2500 })),
        S::Refunded | S::RefundFoundByReference => refund("succeeded", none()),
        S::RefundPending => refund("pending", none()),
        S::RefundFailed => refund("failed", json!({ "failure_reason": "lost_or_stolen_card" })),
        S::RefundWrongAmount => refund("succeeded", json!({ "amount": 501 })),
        S::RefundFoundByKey => {
            let another = refund("succeeded", json!({ "metadata": {}, "id": "re_another" }));
            list("list", json!([another, refund("succeeded", none())]))
        }
        S::RefundNotFound => list(
            "list",
            json!([refund("succeeded", json!({ "metadata": {}, "id": "re_another" }))]),
        ),
        S::NoObject => json!({ "object": "payment_intent" }),
        other => panic!("{other:?} is told otherwise"),
    }
}

impl Processor for Stripe {
    fn connector(&self) -> Connector {
        named("stripe")
    }

    fn secrets(&self) -> [&[&str]; 2] {
        [
            &["sk_test_51abcdefghijkl", "rk_test_51abcdefghijkl"],
            &["sk_live_51abcdefghijkl", "rk_live_51abcdefghijkl"],
        ]
    }

    fn payment(&self) -> String {
        PAYMENT.to_owned()
    }

    fn refund(&self) -> String {
        REFUND.to_owned()
    }

    fn answer(&self, situation: S) -> (u16, String) {
        match situation {
            S::CapturedAlready | S::VoidedTooLate => {
                invalid(400, "payment_intent_unexpected_state")
            }
            S::RefundTooMuch => invalid(400, "charge_already_refunded"),
            S::IncrementDeclined => self.declined(Decline::InsufficientFunds),
            S::WrongCredentials => error(401, json!({ "type": "invalid_request_error" })),
            S::Forbidden => error(403, json!({ "type": "invalid_request_error" })),
            S::WrongRequest => invalid(400, "parameter_missing"),
            S::Conflict => {
                error(409, json!({ "type": "idempotency_error", "code": "idempotency_key_in_use" }))
            }
            S::TooManyRequests => invalid(429, "rate_limit"),
            S::Fault => error(500, json!({ "type": "api_error", "code": "processing_error" })),
            S::BadGateway => (502, "<html>Bad Gateway</html>".to_owned()),
            S::ErrorPage => (404, "<html>Not Found</html>".to_owned()),
            S::NotJson => (200, "<html>Success</html>".to_owned()),
            S::Nothing => (200, String::new()),
            S::Redirect => (302, object(S::Taken).to_string()),
            S::CutOff => {
                let whole = object(S::Taken).to_string();
                (200, whole.chars().take(whole.len() / 2).collect())
            }
            other => (200, object(other).to_string()),
        }
    }

    fn declined(&self, decline: Decline) -> (u16, String) {
        error(
            402,
            json!({
                "type": "card_error",
                "code": decline.code(),
                "decline_code": decline.decline_code(),
                "message": "No.",
                "network_decline_code": "9Z",
                "network_advice_code": "03",
                "payment_intent": payment("requires_payment_method", 0, json!({})),
            }),
        )
    }

    fn remembers(&self) -> (u16, String) {
        let change = json!({ "setup_future_usage": "off_session", "payment_method": CARD });
        (200, payment("succeeded", 2000, change).to_string())
    }

    fn forgot(&self) -> (u16, String) {
        let error = json!({
            "type": "invalid_request_error", "code": "resource_missing", "message": "No.",
            "param": "payment_method",
        });
        (400, json!({ "error": error }).to_string())
    }

    fn delivery(&self, told: Told, secrets: &[&str], at: Timestamp) -> (HeaderMap, String) {
        let none = || json!({});
        let (kind, object) = match told {
            Told::PaymentTaken => ("payment_intent.succeeded", payment("succeeded", 2000, none())),
            Told::PaymentHeld => {
                ("payment_intent.amount_capturable_updated", payment("requires_capture", 0, none()))
            }
            Told::PaymentDeclined => {
                let error = last_error("card_declined", Some("insufficient_funds"));
                ("payment_intent.payment_failed", payment("requires_payment_method", 0, error))
            }
            Told::PaymentCanceled => ("payment_intent.canceled", payment("canceled", 0, none())),
            Told::RefundArrived => ("refund.updated", refund("succeeded", none())),
            Told::RefundFailed => ("refund.failed", refund("failed", none())),
            Told::DisputeOpened => ("charge.dispute.created", dispute("needs_response")),
            Told::DisputeLost => ("charge.dispute.closed", dispute("lost")),
            Told::SomethingElse => ("invoice.paid", json!({ "object": "invoice", "id": "in_1" })),
        };
        let event = json!({ "id": "evt_1", "type": kind, "data": { "object": object } });
        let body = event.to_string();
        let secrets: Vec<_> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        let mut headers = HeaderMap::new();
        let signature = signature::stripe(&secrets, at, &body);
        headers.insert("stripe-signature", signature.parse().expect("a value"));
        (headers, body)
    }

    fn signs_time(&self) -> bool {
        true
    }
}

fn dispute(status: &str) -> Value {
    json!({
        "id": "du_1",
        "object": "dispute",
        "amount": 2000,
        "charge": "ch_1",
        "currency": "usd",
        "evidence_details": { "due_by": 1_900_000_000 },
        "payment_intent": PAYMENT,
        "payment_method_details": { "card": { "network_reason_code": "10.4" } },
        "reason": "fraudulent",
        "status": status,
    })
}
