//! What bugs do to the code's questions to the processor, and to what it hears.

use flows::platform::Answered;
use http::{Method, Request};
use serde_json::{Value as Json, json};

use super::Planted;
use crate::world::World;

impl Planted {
    /// Does to a question to the processor what the bug does; with an answer, it is not sent.
    pub fn ask(&self, world: &World, request: &mut Request<String>) -> Option<Answered> {
        if request.method() == Method::GET {
            let heard = self.heard.borrow();
            let id = request.uri().path().rsplit('/').next().unwrap_or_default();
            let is_it = self.is("stale_notice_believed") && heard["id"] == id;
            let body = heard.to_string();
            return is_it.then(|| Answered { status: 200, body, ..Answered::default() });
        }
        let path = request.uri().path().to_owned();
        let is_refund = path == "/v1/refunds";
        match self.bug.name {
            "processor_key_not_sent" => drop(request.headers_mut().remove("idempotency-key")),
            "processor_key_new_each_time" => self.rekey(request),
            "processor_id_new_each_time" if path == "/payments" => {
                self.count.set(self.count.get() + 1);
                let id = format!("pay_{}", self.count.get());
                *request.body_mut() = request.body().replace("pay_att_", &format!("{id}_att_"));
            }
            "security_code_not_sent" => {
                let body = request.body().replace("%5Bcvc%5D=123", "%5Bcvc%5D=");
                *request.body_mut() = body.replace(r#""card_cvc":"123""#, r#""card_cvc":"""#);
            }
            "metadata_key_not_sent" => {
                let body = request.body().replace("florin_key", "other_key");
                *request.body_mut() = body;
            }
            "refund_key_new_each_time" if is_refund => {
                self.rekey(request);
                let key = request.headers()["idempotency-key"].to_str().unwrap_or_default();
                let (before, _) = request.body().split_once("florin_key%5D=").unwrap_or_default();
                *request.body_mut() = format!("{before}florin_key%5D={key}");
            }
            "asked_in_another_account" if path == "/v1/payment_intents" => {
                let notices = world.notices.borrow();
                let other = format!("Bearer {}", notices.hooks.keys().next_back()?);
                let value = other.parse().ok()?;
                request.headers_mut().insert("authorization", value);
            }
            "payment_takes_one_more" if path == "/v1/payment_intents" => more(request, "amount="),
            "refund_gives_one_more" if is_refund => more(request, "amount="),
            "void_not_sent" if path.ends_with("/cancel") => return Some(canceled(&path)),
            _ => {}
        }
        None
    }

    fn rekey(&self, request: &mut Request<String>) {
        self.count.set(self.count.get() + 1);
        let number = self.count.get();
        if let Some(key) = request.headers_mut().get_mut("idempotency-key") {
            let text = format!("{}-{number}", key.to_str().unwrap_or_default());
            *key = text.parse().unwrap_or_else(|_| key.clone());
        }
    }

    /// Hears of the processor's answer what the bug does.
    ///
    /// # Errors
    /// As the answer.
    ///
    /// # Panics
    /// Where that is what the bug does.
    pub fn hear(
        &self,
        request: &Request<String>,
        answer: Result<Answered, String>,
    ) -> Result<Answered, String> {
        let path = request.uri().path();
        let is_open = answer.as_ref().map_or(true, |answered| answered.status >= 500);
        match self.bug.name {
            "lost_answer_unwrapped" => assert!(answer.is_ok(), "an answer that was lost"),
            "failover_after_an_unknown_outcome" if is_open && path == "/v1/payment_intents" => {
                let error = json!({ "type": "invalid_request_error", "code": "rate_limit" });
                let body = json!({ "error": error }).to_string();
                return Ok(Answered { status: 429, body, ..Answered::default() });
            }
            "unknown_turned_declined" if is_open && path == "/v1/payment_intents" => {
                let error = json!({ "type": "card_error", "code": "card_declined" });
                let body = json!({ "error": error }).to_string();
                return Ok(Answered { status: 402, body, ..Answered::default() });
            }
            "unknown_void_taken_for_done" if is_open && path.ends_with("/cancel") => {
                return Ok(canceled(path));
            }
            _ => {}
        }
        let mut answer = answer?;
        if let Ok(mut body) = serde_json::from_str::<Json>(&answer.body) {
            self.misread(&mut body);
            answer.body = body.to_string();
        }
        Ok(answer)
    }

    fn misread(&self, body: &mut Json) {
        if let Some(found) = body["data"].as_array_mut() {
            found.iter_mut().for_each(|object| self.misread(object));
        }
        let (is_refund, status) = (body["object"] == "refund", body["status"].clone());
        let name = match self.bug.name {
            "payment_takes_one_more" if body["object"] == "payment_intent" => "payment",
            "refund_gives_one_more" if is_refund => "refund",
            "challenge_taken_for_success" if status == "requires_action" => "paid",
            "pending_payment_taken_for_success" if status == "processing" => "paid",
            "pending_refund_taken_for_success" if is_refund && status == "pending" => "given",
            _ => return,
        };
        match name {
            "paid" => {
                body["status"] = json!("succeeded");
                body["amount_received"] = body["amount"].clone();
            }
            "given" => body["status"] = json!("succeeded"),
            _ => {
                for field in ["amount", "amount_received", "amount_capturable"] {
                    if let Some(number) = body[field].as_i64().filter(|number| *number > 0) {
                        body[field] = json!(number - 1);
                    }
                }
            }
        }
    }
}

/// Raises an amount in a form by one.
fn more(request: &mut Request<String>, name: &str) {
    let fields: Vec<String> = request
        .body()
        .split('&')
        .map(|field| match field.strip_prefix(name).and_then(|text| text.parse::<i64>().ok()) {
            Some(number) => format!("{name}{}", number + 1),
            None => field.to_owned(),
        })
        .collect();
    *request.body_mut() = fields.join("&");
}

/// What the processor would answer to a void that it made.
fn canceled(path: &str) -> Answered {
    let id = path.split('/').nth(3).unwrap_or_default();
    let body = json!({
        "id": id, "object": "payment_intent", "status": "canceled", "amount_received": 0,
        "amount_capturable": 0, "amount": 0, "currency": "usd",
    });
    Answered { status: 200, body: body.to_string(), ..Answered::default() }
}
