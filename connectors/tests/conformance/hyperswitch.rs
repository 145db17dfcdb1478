//! Hyperswitch, as its connector meets it.

use connectors::Connector;
use domain::card::Decline;
use domain::timestamp::Timestamp;
use hmac::{Hmac, Mac};
use http::HeaderMap;
use serde_json::{Value, json};
use sha2::Sha512;

use crate::commands::{KEY, named};
use crate::situations::Situation as S;
use crate::stripe::merge;
use crate::tokens::CARD;
use crate::{Processor, Told};

pub struct Hyperswitch;

const PAYMENT: &str = "pay_att_0123456789abcdefABCDEF";
const REFUND: &str = "ref_att_0123456789abcdefABCDEF";

fn payment(status: &str, received: Option<i64>, change: Value) -> Value {
    let mut payment = json!({
        "payment_id": PAYMENT,
        "merchant_id": "merchant_1",
        "status": status,
        "amount": 2000,
        "net_amount": 2000,
        "amount_capturable": if status == "requires_capture" { 2000 } else { 0 },
        "amount_received": received,
        "currency": "USD",
        "metadata": { "florin_key": KEY },
        "merchant_order_reference_id": KEY,
        "error_code": null,
        "next_action": null,
    });
    merge(&mut payment, change);
    payment
}

fn refund(status: &str, change: Value) -> Value {
    let mut refund = json!({
        "refund_id": REFUND,
        "payment_id": PAYMENT,
        "amount": 500,
        "currency": "USD",
        "status": status,
        "metadata": { "florin_key": KEY },
        "connector": "stripe_test",
    });
    merge(&mut refund, change);
    refund
}

fn error(status: u16, kind: &str, code: &str) -> (u16, String) {
    let error = json!({ "error": { "type": kind, "message": "No.", "code": code } });
    (status, error.to_string())
}

fn challenge() -> Value {
    json!({ "next_action": {
        "type": "redirect_to_url",
        "redirect_to_url": "https://acs.example/challenge?a=b",
    } })
}

fn failed(code: &str) -> Value {
    payment("failed", None, json!({ "error_code": code, "error_message": "No." }))
}

fn object(situation: S) -> Value {
    let none = || json!({});
    match situation {
        S::Taken | S::FoundByReference | S::FoundByKey | S::TakenInsteadOfHeld => {
            payment("succeeded", Some(2000), none())
        }
        S::Held | S::HeldInsteadOfTaken => payment("requires_capture", None, none()),
        S::Challenged | S::StillChallenged => {
            payment("requires_customer_action", None, challenge())
        }
        S::StillProcessing => payment("processing", None, none()),
        S::AnotherPayment => {
            payment("succeeded", Some(2000), json!({ "payment_id": "pay_another" }))
        }
        S::WrongAmount | S::FoundWithWrongAmount => {
            payment("succeeded", Some(2001), json!({ "amount": 2001 }))
        }
        S::LessTaken => payment("succeeded", Some(1999), none()),
        S::WrongCurrency => payment("succeeded", Some(2000), json!({ "currency": "EUR" })),
        S::DeclinedSince => failed("insufficient_funds"),
        S::ChallengeFailed => {
            let unified = json!({ "standardised_code": "authentication_failed" });
            let change = json!({ "error_details": { "unified_details": unified } });
            payment("failed", None, change)
        }
        S::CanceledSince | S::Voided | S::VoidFound => payment("cancelled", None, none()),
        S::Captured | S::CaptureFound | S::CapturedTooMuch => {
            payment("succeeded", Some(2000), none())
        }
        S::CapturedInPart => payment("partially_captured", Some(1500), none()),
        S::CaptureNotFound | S::IncrementNotFound | S::VoidNotFound => {
            payment("requires_capture", None, none())
        }
        S::Incremented => payment("requires_capture", None, json!({ "amount": 2500 })),
        S::IncrementDeclined => {
            let tried = json!([{
                "authorization_id": "auth_1",
                "amount": 2500,
                "previously_authorized_amount": 2000,
                "status": "failure",
                "error_code": "insufficient_funds",
            }]);
            payment("requires_capture", None, json!({ "incremental_authorizations": tried }))
        }
        S::Refunded | S::RefundFoundByReference | S::RefundFoundByKey => {
            refund("succeeded", none())
        }
        S::RefundPending => refund("pending", none()),
        S::RefundFailed => refund("failed", json!({ "error_code": "lost_or_stolen_card" })),
        S::RefundWrongAmount => refund("succeeded", json!({ "amount": 501 })),
        S::NoObject => json!({ "status": "succeeded" }),
        other => panic!("{other:?} is told otherwise"),
    }
}

impl Processor for Hyperswitch {
    fn connector(&self) -> Connector {
        named("hyperswitch")
    }

    fn secrets(&self) -> [&[&str]; 2] {
        [&["snd_abcdefghijklmnopq", "dev_abcdefghijklmnopq"], &["prd_abcdefghijklmnopq"]]
    }

    fn payment(&self) -> String {
        PAYMENT.to_owned()
    }

    fn refund(&self) -> String {
        REFUND.to_owned()
    }

    fn answer(&self, situation: S) -> (u16, String) {
        match situation {
            S::NotFound | S::RefundNotFound => error(404, "object_not_found", "HE_02"),
            S::CapturedAlready | S::VoidedTooLate => error(400, "invalid_request", "IR_14"),
            S::RefundTooMuch => error(400, "invalid_request", "IR_13"),
            S::WrongCredentials => error(401, "invalid_request", "IR_01"),
            S::Forbidden => error(403, "invalid_request", "IR_22"),
            S::WrongRequest => error(422, "invalid_request", "IR_06"),
            S::Conflict => error(422, "api", "HE_00"),
            S::TooManyRequests => (429, "<html>Too Many Requests</html>".to_owned()),
            S::Fault => error(500, "api", "HE_00"),
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
        let change = json!({
            "error_code": decline.decline_code().unwrap_or(decline.code()),
            "error_message": "No.",
            "issuer_error_code": "9Z",
            "error_details": { "issuer_details": { "network_details": { "advice_code": "03" } } },
        });
        (200, payment("failed", None, change).to_string())
    }

    fn remembers(&self) -> (u16, String) {
        let change = json!({
            "setup_future_usage": "off_session", "payment_method_id": CARD,
            "network_transaction_id": "ntid_1",
        });
        (200, payment("succeeded", Some(2000), change).to_string())
    }

    fn forgot(&self) -> (u16, String) {
        let error = json!({
            "type": "invalid_request", "code": "HE_02",
            "message": "Payment method does not exist in our records",
        });
        (404, json!({ "error": error }).to_string())
    }

    fn delivery(&self, told: Told, secrets: &[&str], _at: Timestamp) -> (HeaderMap, String) {
        let none = || json!({});
        let payment_details = "payment_details";
        let (event, kind, object) = match told {
            Told::PaymentTaken => {
                ("payment_succeeded", payment_details, payment("succeeded", Some(2000), none()))
            }
            Told::PaymentHeld => {
                ("payment_authorized", payment_details, payment("requires_capture", None, none()))
            }
            Told::PaymentDeclined => {
                ("payment_failed", payment_details, failed("insufficient_funds"))
            }
            Told::PaymentCanceled => {
                ("payment_cancelled", payment_details, payment("cancelled", None, none()))
            }
            Told::RefundArrived => {
                ("refund_succeeded", "refund_details", refund("succeeded", none()))
            }
            Told::RefundFailed => ("refund_failed", "refund_details", refund("failed", none())),
            Told::DisputeOpened => ("dispute_opened", "dispute_details", dispute("dispute_opened")),
            Told::DisputeLost => ("dispute_lost", "dispute_details", dispute("dispute_lost")),
            Told::SomethingElse => {
                ("mandate_active", "mandate_details", json!({ "mandate_id": "man_1" }))
            }
        };
        let content = json!({ "type": kind, "object": object });
        let body = json!({ "event_id": "evt_1", "event_type": event, "content": content });
        let body = body.to_string();
        let mut headers = HeaderMap::new();
        // It signs with one secret; the newest comes last.
        if let Some(secret) = secrets.last() {
            let mut mac = Hmac::<Sha512>::new_from_slice(secret.as_bytes()).expect("a key");
            mac.update(body.as_bytes());
            let signature = hex::encode(mac.finalize().into_bytes());
            headers.insert("x-webhook-signature-512", signature.parse().expect("a value"));
        }
        (headers, body)
    }

    fn signs_time(&self) -> bool {
        false
    }
}

fn dispute(status: &str) -> Value {
    json!({
        "dispute_id": "du_1",
        "payment_id": PAYMENT,
        "amount": "2000",
        "currency": "USD",
        "dispute_stage": "dispute",
        "dispute_status": status,
        "connector_reason": "fraudulent",
        "connector_reason_code": "10.4",
    })
}
