//! What the processor does with a request that reaches it, and what it says to it.

use std::collections::BTreeMap;

use http::{Method, Request};
use serde_json::{Value, json};

use super::{Payment, Processor, Refund, Remembered, Reply, is_hyperswitch};

/// For how many milliseconds it remembers what it answered to a key.
const REMEMBERS: i64 = 24 * 3_600_000;

/// The fields of a form.
pub(super) type Fields = BTreeMap<String, String>;

/// A security code that is no card's.
pub const WRONG_CODE: &str = "999";

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
        if is_hyperswitch(&account) {
            return self.handle_hyperswitch(&account, request, misreads);
        }
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
        let text = |name: &str| field(fields, name).to_owned();
        if fields.contains_key("off_session") && fields.contains_key("setup_future_usage") {
            return refused(400, "invalid_request_error", "", "It cannot be confirmed with both.");
        }
        let asked = Asked {
            id: None,
            key: text("metadata[florin_key]"),
            amount: field(fields, "amount").parse().unwrap_or_default(),
            currency: text("currency"),
            takes: field(fields, "capture_method") == "automatic",
            number: text("payment_method_data[card][number]"),
            code: text("payment_method_data[card][cvc]"),
            is_off_session: fields.contains_key("off_session"),
            challenges: fields.contains_key("payment_method_options[card][request_three_d_secure]"),
        };
        let payment = self.make(account, asked, found_at, misreads);
        match payment.declined {
            Some(code) => {
                let mut error = decline(code);
                error["payment_intent"] = json!({ "id": payment.id });
                (402, json!({ "error": error }))
            }
            None => (200, payment.shown()),
        }
    }

    /// Makes a payment, in whichever words it was asked for.
    pub(super) fn make(
        &mut self,
        account: &str,
        asked: Asked,
        found_at: i64,
        misreads: bool,
    ) -> &Payment {
        let place = self.payments.len();
        let mut payment = Payment {
            id: asked.id.clone().unwrap_or_else(|| format!("pi_{}", place + 1)),
            key: asked.key.clone(),
            account: account.to_owned(),
            amount: if misreads { asked.amount + 1 } else { asked.amount },
            currency: asked.currency.clone(),
            status: "processing",
            taken: 0,
            has_moved: false,
            is_misread: misreads,
            has_code: !asked.code.is_empty(),
            takes: asked.takes,
            found_at,
            declined: None,
        };
        match asked.refusal(account) {
            Some(code) => {
                payment.status = "requires_payment_method";
                payment.declined = Some(code);
            }
            None if asked.is_challenged() => payment.status = "requires_action",
            // It will say later.
            None if matches!(asked.amount % 100, 37 | 38) => {}
            None => payment.confirm(),
        }
        self.by_id.insert(payment.id.clone(), place);
        self.by_key.entry(asked.key).or_default().push(place);
        self.by_account.entry(account.to_owned()).or_default().push(place);
        self.payments.push(payment);
        self.tell_of_payment(place);
        &self.payments[place]
    }

    fn refund(&mut self, account: &str, fields: &Fields) -> Reply {
        let (payment, amount) = (field(fields, "payment_intent"), field(fields, "amount"));
        let amount = amount.parse().unwrap_or_default();
        let id = format!("re_{}", self.refunds.len() + 1);
        let key = field(fields, "metadata[florin_key]").to_owned();
        match self.give_back(account, id, key, (payment, amount)) {
            Ok(refund) => (200, refund.shown()),
            Err(("resource_missing", _)) => missing(),
            Err((code, message)) => refused(400, "invalid_request_error", code, message),
        }
    }

    /// Gives some of a payment back, in whichever words it was asked for; or says why not.
    pub(super) fn give_back(
        &mut self,
        account: &str,
        id: String,
        key: String,
        (payment, amount): (&str, i64),
    ) -> Result<Refund, (&'static str, &'static str)> {
        let paid = self.payment(payment).filter(|paid| paid.account == account);
        let paid = paid.ok_or(("resource_missing", "There is no such payment."))?;
        if self.is_disputed(payment) {
            return Err(("charge_disputed", "It is disputed."));
        }
        let before: i64 = self.refunds(payment).map(Refund::given).sum();
        // The other one looks at each refund by itself: sixty and sixty of a hundred both go back.
        let before = if is_hyperswitch(account) { 0 } else { before };
        if amount <= 0 || before + amount > paid.taken {
            return Err(("charge_already_refunded", "More than was paid."));
        }
        let refund = Refund {
            id,
            key,
            payment: payment.to_owned(),
            amount,
            status: if matches!(amount % 10, 7 | 8) { "pending" } else { "succeeded" },
            currency: paid.currency.clone(),
        };
        self.refunds.push(refund.clone());
        self.tell_of_refund(&refund, "refund.created");
        Ok(refund)
    }
}

/// A payment that is asked for.
pub(super) struct Asked {
    /// Its id, where whoever asks gives it one.
    pub id: Option<String>,
    /// Our key.
    pub key: String,
    /// In minor units.
    pub amount: i64,
    /// In small letters.
    pub currency: String,
    /// Whether the money is taken as soon as it can be.
    pub takes: bool,
    /// The card's number.
    pub number: String,
    /// The card's security code, if it came along.
    pub code: String,
    /// Whether the cardholder is away.
    pub is_off_session: bool,
    /// Whether the cardholder is to be asked in any case.
    pub challenges: bool,
}

impl Asked {
    /// Why it is declined, if it is.
    fn refusal(&self, account: &str) -> Option<&'static str> {
        // The first of a merchant's accounts is in a mood that the others are not in.
        let is_moody = account.ends_with('0');
        match self.number.as_str() {
            _ if self.code == WRONG_CODE => Some("incorrect_cvc"),
            "4000000000009995" => Some("insufficient_funds"),
            "4000000000000002" if is_moody => Some("do_not_honor"),
            "4000002500003155" if !self.challenges => Some("authentication_required"),
            _ => None,
        }
    }

    fn is_challenged(&self) -> bool {
        let asks = matches!(self.number.as_str(), "4000002760003184" | "4000002500003155");
        (asks || self.challenges) && !self.is_off_session
    }
}

pub(super) fn operate(payment: &mut Payment, verb: &str, fields: &Fields) -> Option<Reply> {
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
    match header(request, "api-key") {
        "" => header(request, "authorization").trim_start_matches("Bearer "),
        key => key,
    }
}

fn field<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.get(name).map(String::as_str).unwrap_or_default()
}

fn fields(text: &str) -> Fields {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}
