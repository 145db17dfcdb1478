//! Payment processors that tell something unasked, for the tests of what that changes.

use http::Request;
use kit::Processor;
use serde_json::{Value, json};

use crate::processors::connected;
use crate::{Answer, Api};

/// What the processor signs with.
pub const SECRET: &str = "whsec_0123456789abcdef";

/// A merchant whose processor's webhooks are believed, and the path that they go to.
pub fn hearing() -> (Api, Processor, String) {
    let (api, processor) = connected();
    let account = account(&api);
    api.post(&account, &[("webhook_secret", SECRET)]).ok();
    let path = account.replace("/v1/florin/connector_accounts/", "/connectors/stripe/webhooks/");
    (api, processor, path)
}

/// The path of the account at the processor.
pub fn account(api: &Api) -> String {
    let accounts = api.get("/v1/florin/connector_accounts").ok();
    format!("/v1/florin/connector_accounts/{}", accounts.text_at("/data/0/id"))
}

/// The moment, in seconds.
pub fn now(api: &Api) -> i64 {
    flows::Platform::now(&api.platform).seconds()
}

/// Sends a body with a signature.
///
/// # Panics
/// When the path is none.
pub async fn sending(api: &Api, path: &str, signature: &str, body: &str) -> Answer {
    let request = Request::builder()
        .method("POST")
        .uri(format!("https://florin.test{path}"))
        .header("stripe-signature", signature)
        .body(body.as_bytes().to_vec());
    api.answer(&request.expect("a request")).await
}

/// Sends a body that is signed now, and returns the status of the answer.
pub async fn delivering(api: &Api, path: &str, body: &str) -> u16 {
    sending(api, path, &Processor::sign(body, &[SECRET], now(api)), body).await.status
}

/// Sends a body, which is taken.
///
/// # Panics
/// When it is not.
#[track_caller]
pub fn deliver(api: &Api, path: &str, body: &str) {
    assert_eq!(kit::run(delivering(api, path, body)), 200, "{body}");
}

/// Delivers all that the processor had to tell since the last time.
///
/// # Panics
/// When something of it is not taken.
#[track_caller]
pub fn deliver_all(api: &Api, processor: &Processor, path: &str) {
    for body in processor.take_notices() {
        deliver(api, path, &body);
    }
}

/// What was told so far, with what became of it, the oldest first.
///
/// # Panics
/// Never.
pub fn kept(api: &Api) -> Vec<String> {
    let sql = "SELECT type || ' ' || status AS kept FROM connector_webhooks ORDER BY sequence";
    let rows = api.platform.database().query(sql, vec![]);
    rows.iter().map(|row| row.text("kept").expect("a text").to_owned()).collect()
}

/// How many rows a table has.
pub fn counted(api: &Api, table: &str) -> usize {
    api.platform.database().query(&format!("SELECT * FROM {table}"), vec![]).len()
}

/// A dispute of the first payment, as the processor shows it.
///
/// # Panics
/// When the change is none of fields.
pub fn dispute(status: &str, change: &Value) -> Value {
    let mut dispute = json!({
        "id": "dp_1", "object": "dispute", "amount": 2000, "currency": "usd", "charge": "ch_1",
        "payment_intent": "pi_1", "reason": "product_unacceptable", "status": status,
        "evidence_details": { "due_by": 1_900_000_000 },
        "payment_method_details": { "card": { "network_reason_code": "13.3" } },
    });
    let fields = dispute.as_object_mut().expect("an object");
    fields.extend(change.as_object().cloned().unwrap_or_default());
    dispute
}

/// The body that tells how it stands.
pub fn disputed(event: &str, status: &str) -> String {
    Processor::notice(event, "charge.dispute.updated", &dispute(status, &json!({})))
}

/// The same body, of an event that happened at a moment, in seconds.
///
/// # Panics
/// When the body is no event.
pub fn at(body: &str, moment: i64) -> String {
    let mut event: Value = serde_json::from_str(body).expect("an event");
    event["created"] = json!(moment);
    event.to_string()
}
