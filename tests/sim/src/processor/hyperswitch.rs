//! The same truth as Hyperswitch's v1 API tells it: JSON, ids that whoever asks gives, words of its own, and no
//! idempotency keys.

use http::{Method, Request};
use serde_json::{Value, json};

use super::requests::{Asked, Fields, operate};
use super::{Dispute, Payment, Processor, Refund, Reply};

/// What the processors behind it take for the reason of a void.
const REASONS: [&str; 4] = ["duplicate", "fraudulent", "requested_by_customer", "abandoned"];

/// How many characters of a description its database keeps.
const LONGEST_DESCRIPTION: usize = 255;

/// Whether an account is one of Hyperswitch's.
pub fn is_hyperswitch(account: &str) -> bool {
    account.starts_with("snd_")
}

impl Processor {
    pub(super) fn handle_hyperswitch(
        &mut self,
        account: &str,
        request: &Request<String>,
        misreads: bool,
    ) -> Reply {
        let parts: Vec<&str> = request.uri().path().split('/').skip(1).collect();
        if request.method() == Method::GET {
            return match parts.as_slice() {
                ["payments", id] => self.paid_at(account, id).map(payment),
                ["refunds", id] => self.refunds.iter().find(|known| known.id == *id).map(refund),
                _ => None,
            }
            .map_or_else(missing, |shown| (200, shown));
        }
        let body: Value = serde_json::from_str(request.body()).unwrap_or_default();
        match parts.as_slice() {
            ["payments"] => {
                let profile = request.headers().get("x-profile-id");
                let chosen = profile.and_then(|profile| profile.to_str().ok());
                if body["profile_id"].as_str() != chosen {
                    return refused(400, "IR_04", "Missing required param: profile_id");
                }
                self.make_payment(account, &body, misreads)
            }
            ["payments", id, verb] => self.operate_payment(account, id, verb, &body),
            ["refunds"] => {
                let id = text(&body, "/refund_id");
                if self.refunds.iter().any(|known| known.id == id) {
                    return taken(&id);
                }
                let (key, paid) = (text(&body, "/metadata/florin_key"), text(&body, "/payment_id"));
                let amount = body["amount"].as_i64().unwrap_or_default();
                match self.give_back(account, id, key, (&paid, amount)) {
                    Ok(made) => (200, refund(&made)),
                    Err(("resource_missing", _)) => missing(),
                    Err((_, message)) => refused(400, "IR_13", message),
                }
            }
            _ => missing(),
        }
    }

    fn paid_at(&self, account: &str, id: &str) -> Option<&Payment> {
        self.payment(id).filter(|paid| paid.account == account)
    }

    fn make_payment(&mut self, account: &str, body: &Value, misreads: bool) -> Reply {
        let id = text(body, "/payment_id");
        let code = text(body, "/payment_method_data/card/card_cvc");
        if !(3..=4).contains(&code.len()) {
            return refused(400, "IR_16", "Invalid card_cvc length");
        }
        if self.by_id.contains_key(&id) {
            return taken(&id);
        }
        if text(body, "/description").chars().count() > LONGEST_DESCRIPTION {
            return refused(500, "HE_00", "Something went wrong");
        }
        let card = |name: &str| text(body, &format!("/payment_method_data/card/{name}"));
        let asked = Asked {
            id: Some(id.clone()),
            key: text(body, "/metadata/florin_key"),
            amount: body["amount"].as_i64().unwrap_or_default(),
            currency: text(body, "/currency").to_lowercase(),
            takes: body["capture_method"] == "automatic",
            number: card("card_number"),
            code,
            is_off_session: body["off_session"] == true,
            challenges: body["authentication_type"] == "three_ds",
        };
        // It reads what it wrote.
        self.make(account, asked, 0, misreads);
        (200, self.payment(&id).map(payment).unwrap_or_default())
    }

    fn operate_payment(&mut self, account: &str, id: &str, verb: &str, body: &Value) -> Reply {
        let place = self.by_id.get(id).copied();
        let Some(place) = place.filter(|place| self.payments[*place].account == account) else {
            return missing();
        };
        let reason = body["cancellation_reason"].as_str().unwrap_or("abandoned");
        if verb == "cancel" && !REASONS.contains(&reason) {
            // The processor behind it refuses that, and still holds the money.
            let mut shown = payment(&self.payments[place]);
            shown["status"] = json!("failed");
            return (200, shown);
        }
        if verb == "incremental_authorization" {
            return refused(400, "IR_16", "Nobody asked for a hold that can grow.");
        }
        let number = |name: &str| Some((name.to_owned(), body[name].as_i64()?.to_string()));
        let fields: Fields = number("amount_to_capture").into_iter().collect();
        if operate(&mut self.payments[place], verb, &fields).is_some() {
            return refused(400, "IR_14", "This payment could not be used.");
        }
        let shown = payment(&self.payments[place]);
        self.tell_of_payment(place);
        (200, shown)
    }
}

fn text(value: &Value, path: &str) -> String {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(super) fn payment(paid: &Payment) -> Value {
    let status = match paid.status {
        "succeeded" if paid.taken < paid.amount => "partially_captured",
        "requires_action" => "requires_customer_action",
        "requires_payment_method" => "failed",
        "canceled" => "cancelled",
        status => status,
    };
    let unified = paid.declined.and_then(|code| match code {
        "payment_intent_authentication_failure" => Some("authentication_failed"),
        "incorrect_cvc" => Some("invalid_cvv"),
        "generic_decline" => None,
        code => Some(code),
    });
    let action = (paid.status == "requires_action").then(|| {
        let url = format!("https://bank.example.com/{}", paid.id);
        json!({ "type": "redirect_to_url", "redirect_to_url": url })
    });
    json!({
        "payment_id": paid.id, "merchant_id": "merchant_1", "status": status,
        "amount": paid.amount, "net_amount": paid.amount, "amount_capturable": paid.held(),
        "amount_received": paid.taken, "currency": paid.currency.to_uppercase(),
        "metadata": { "florin_key": paid.key }, "next_action": action,
        "error_code": paid.declined.map(|_| "card_declined"),
        "error_details": { "unified_details": { "standardised_code": unified } },
    })
}

pub(super) fn refund(made: &Refund) -> Value {
    json!({
        "refund_id": made.id, "payment_id": made.payment, "amount": made.amount,
        "currency": made.currency.to_uppercase(), "status": made.status,
        "metadata": { "florin_key": made.key },
        "error_code": (made.status == "failed").then_some("lost_or_stolen_card"),
    })
}

pub(super) fn dispute(opened: &Dispute, currency: &str) -> Value {
    let status = match opened.status {
        "needs_response" => "dispute_opened",
        "under_review" => "dispute_challenged",
        "won" => "dispute_won",
        _ => "dispute_lost",
    };
    json!({
        "dispute_id": opened.id, "payment_id": opened.payment, "amount": opened.amount.to_string(),
        "currency": currency.to_uppercase(), "dispute_stage": "dispute", "dispute_status": status,
        "connector_reason": "fraudulent", "connector_reason_code": "10.4",
    })
}

fn taken(id: &str) -> Reply {
    refused(400, "HE_01", &format!("{id} already exists"))
}

fn missing() -> Reply {
    refused(404, "HE_02", "It does not exist in our records")
}

pub(super) fn refused(status: u16, code: &str, message: &str) -> Reply {
    let error = json!({ "type": "invalid_request", "message": message, "code": code });
    (status, json!({ "error": error }))
}
