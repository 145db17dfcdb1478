//! What the processor does with a request that reaches it, and what it says to it.

use std::collections::BTreeMap;

use http::{Method, Request};
use serde_json::{Value, json};

use super::{Payment, Processor, Refund, Remembered, Reply};

/// For how many milliseconds it remembers what it answered to a key.
const REMEMBERS: i64 = 24 * 3_600_000;

/// The fields of a form.
type Fields = BTreeMap<String, String>;

impl Processor {
    pub(super) fn handle(
        &mut self,
        request: &Request<String>,
        now: i64,
        lag: i64,
        misreads: bool,
    ) -> Reply {
        let path = request.uri().path();
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        let account = account(request).to_owned();
        if request.method() == Method::GET {
            let fields = fields(request.uri().query().unwrap_or_default());
            return self.read(&account, &parts, &fields, now);
        }
        let key = header(request, "idempotency-key");
        let remembered = (account.clone(), key.to_owned());
        let asked = format!("{path}?{}", request.body());
        if let Some(known) = self.answers.get(&remembered).filter(|known| known.until > now) {
            if known.asked != asked {
                return refused(
                    400,
                    "idempotency_error",
                    "",
                    "Keys can only be used with the same.",
                );
            }
            return known.reply.clone();
        }
        let reply = self.change(&account, &parts, &fields(request.body()), (now + lag, misreads));
        if !key.is_empty() {
            let kept = Remembered { asked, reply: reply.clone(), until: now + REMEMBERS };
            self.answers.insert(remembered, kept);
        }
        reply
    }

    fn read(&self, account: &str, parts: &[&str], fields: &Fields, now: i64) -> Reply {
        let list = |object: &str, data: Vec<Value>| {
            (200, json!({ "object": object, "data": data, "has_more": false }))
        };
        match parts {
            ["payment_intents", "search"] => {
                let query = field(fields, "query");
                let key = query.split('\'').nth(3).unwrap_or_default();
                let places = self.by_key.get(key).map(Vec::as_slice).unwrap_or_default();
                let found = places.iter().map(|place| &self.payments[*place]);
                let found = found.filter(|paid| paid.account == account && paid.found_at <= now);
                list("search_result", found.map(Payment::shown).collect())
            }
            ["payment_intents", id] => match self.payment(id) {
                Some(paid) if paid.account == account => (200, paid.shown()),
                _ => missing(),
            },
            ["refunds"] => {
                let of = self.refunds(field(fields, "payment_intent"));
                list("list", of.map(Refund::shown).collect())
            }
            ["refunds", id] => match self.refunds.iter().find(|refund| refund.id == *id) {
                Some(refund) => (200, refund.shown()),
                None => missing(),
            },
            _ => missing(),
        }
    }

    fn change(
        &mut self,
        account: &str,
        parts: &[&str],
        fields: &Fields,
        (found_at, misreads): (i64, bool),
    ) -> Reply {
        match parts {
            ["payment_intents"] => self.pay(account, fields, found_at, misreads),
            ["payment_intents", id, verb] => {
                let place = self.by_id.get(*id).copied();
                let Some(place) = place.filter(|place| self.payments[*place].account == account)
                else {
                    return missing();
                };
                let payment = &mut self.payments[place];
                if let Some(refusal) = operate(payment, verb, fields) {
                    return refusal;
                }
                let shown = payment.shown();
                self.tell_of_payment(place);
                (200, shown)
            }
            ["refunds"] => self.refund(account, fields),
            ["refunds", id, "cancel"] => {
                match self.refunds.iter_mut().find(|refund| refund.id == *id) {
                    Some(refund) if refund.status == "requires_action" => {
                        refund.status = "canceled";
                        (200, refund.shown())
                    }
                    _ => missing(),
                }
            }
            _ => missing(),
        }
    }

    fn pay(&mut self, account: &str, fields: &Fields, found_at: i64, misreads: bool) -> Reply {
        let asked: i64 = field(fields, "amount").parse().unwrap_or_default();
        let key = field(fields, "metadata[florin_key]").to_owned();
        let mut payment = Payment {
            id: format!("pi_{}", self.payments.len() + 1),
            key: key.clone(),
            account: account.to_owned(),
            amount: if misreads { asked + 1 } else { asked },
            currency: field(fields, "currency").to_owned(),
            status: "processing",
            taken: 0,
            has_moved: false,
            takes: field(fields, "capture_method") == "automatic",
            found_at,
            declined: None,
        };
        let number = field(fields, "payment_method_data[card][number]");
        match (number, asked % 100) {
            ("4000000000009995" | "4000000000000002", _) => {
                payment.status = "requires_payment_method";
                payment.declined = Some("insufficient_funds");
            }
            ("4000002760003184", _) if !fields.contains_key("off_session") => {
                payment.status = "requires_action";
            }
            // It will say later.
            (_, 37 | 38) => {}
            _ => payment.confirm(),
        }
        let place = self.payments.len();
        self.by_id.insert(payment.id.clone(), place);
        self.by_key.entry(key).or_default().push(place);
        self.by_account.entry(account.to_owned()).or_default().push(place);
        let reply = match payment.declined {
            Some(code) => {
                let mut error = decline(code);
                error["payment_intent"] = json!({ "id": payment.id });
                (402, json!({ "error": error }))
            }
            None => (200, payment.shown()),
        };
        self.payments.push(payment);
        self.tell_of_payment(place);
        reply
    }

    fn refund(&mut self, account: &str, fields: &Fields) -> Reply {
        let payment = field(fields, "payment_intent");
        let amount: i64 = field(fields, "amount").parse().unwrap_or_default();
        let Some(paid) = self.payment(payment).filter(|paid| paid.account == account) else {
            return missing();
        };
        if self.is_disputed(payment) {
            let code = "charge_disputed";
            return refused(400, "invalid_request_error", code, "It is disputed.");
        }
        let before: i64 = self.refunds(payment).map(Refund::given).sum();
        if amount <= 0 || before + amount > paid.taken {
            let code = "charge_already_refunded";
            return refused(400, "invalid_request_error", code, "More than was paid.");
        }
        let refund = Refund {
            id: format!("re_{}", self.refunds.len() + 1),
            key: field(fields, "metadata[florin_key]").to_owned(),
            payment: payment.to_owned(),
            amount,
            status: if matches!(amount % 10, 7 | 8) { "pending" } else { "succeeded" },
            currency: paid.currency.clone(),
        };
        self.refunds.push(refund.clone());
        self.tell_of_refund(&refund, "refund.created");
        (200, refund.shown())
    }
}

fn operate(payment: &mut Payment, verb: &str, fields: &Fields) -> Option<Reply> {
    let number = |name: &str| field(fields, name).parse::<i64>().unwrap_or_default();
    let is_held = payment.status == "requires_capture";
    match verb {
        "capture" if is_held => {
            let more = number("amount_to_capture");
            if more <= 0 || more > payment.held() {
                let code = "amount_too_large";
                return Some(refused(400, "invalid_request_error", code, "More than is held."));
            }
            payment.taken += more;
            let is_final = fields.get("final_capture").is_none_or(|last| last != "false");
            if is_final || payment.taken == payment.amount {
                payment.status = "succeeded";
            }
        }
        "increment_authorization" if is_held => payment.amount = number("amount"),
        "cancel" if is_held && payment.taken > 0 => payment.status = "succeeded",
        "cancel" if is_held || payment.status.starts_with("requires_") => {
            payment.status = "canceled";
        }
        _ => {
            let code = "payment_intent_unexpected_state";
            let message = format!("It is {}.", payment.status);
            return Some(refused(400, "invalid_request_error", code, &message));
        }
    }
    None
}

pub(super) fn decline(code: &str) -> Value {
    json!({ "type": "card_error", "code": "card_declined", "decline_code": code,
            "message": "Your card was declined." })
}

pub(super) fn refused(status: u16, kind: &str, code: &str, message: &str) -> Reply {
    (status, json!({ "error": { "type": kind, "code": code, "message": message } }))
}

fn missing() -> Reply {
    refused(404, "invalid_request_error", "resource_missing", "There is no such object.")
}

pub(super) fn header<'r>(request: &'r Request<String>, name: &str) -> &'r str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The account that a request's secret opens.
pub(super) fn account(request: &Request<String>) -> &str {
    header(request, "authorization").trim_start_matches("Bearer ")
}

fn field<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.get(name).map(String::as_str).unwrap_or_default()
}

fn fields(text: &str) -> Fields {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}
