//! A payment processor that speaks Stripe's API on the wire, shares no code with Florin, and keeps its own truth:
//! what it took, holds and gave back is what counts in the end.

use std::collections::BTreeMap;
use std::rc::Rc;

use flows::platform::Answered;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::notices::{self, Notice};
use crate::trace::{Actor, digest};
use crate::world::World;

mod disputes;

pub use disputes::Dispute;

/// For how many milliseconds it remembers what it answered to a key.
const REMEMBERS: i64 = 24 * 3_600_000;

/// The fields of a form.
type Fields = BTreeMap<String, String>;

/// A status and a body.
type Reply = (u16, Value);

/// A payment, as the processor knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Its own id.
    pub id: String,
    /// Our key.
    pub key: String,
    /// The account that it was made in.
    pub account: String,
    /// What was asked for, in minor units.
    pub amount: i64,
    /// The currency.
    pub currency: String,
    /// Where it stands, in Stripe's words.
    pub status: &'static str,
    /// What was taken.
    pub taken: i64,
    /// Whether money was ever taken or held.
    pub has_moved: bool,
    /// Whether the money is taken as soon as it can be.
    takes: bool,
    /// When it can be found by a search.
    found_at: i64,
    /// Why it was declined.
    declined: Option<&'static str>,
}

impl Payment {
    /// What it still holds.
    pub fn held(&self) -> i64 {
        if self.status == "requires_capture" { self.amount - self.taken } else { 0 }
    }

    fn shown(&self) -> Value {
        let error = self.declined.map(decline);
        let action = (self.status == "requires_action").then(|| {
            json!({ "type": "redirect_to_url",
                    "redirect_to_url": { "url": format!("https://bank.example.com/{}", self.id) } })
        });
        json!({
            "id": self.id, "object": "payment_intent", "amount": self.amount, "currency": self.currency,
            "status": self.status, "amount_received": self.taken, "amount_capturable": self.held(),
            "metadata": { "florin_key": self.key }, "last_payment_error": error, "next_action": action,
        })
    }

    fn confirm(&mut self) {
        self.has_moved = true;
        self.status = if self.takes { "succeeded" } else { "requires_capture" };
        self.taken = if self.takes { self.amount } else { 0 };
    }
}

/// A refund, as the processor knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Its own id.
    pub id: String,
    /// Our key.
    pub key: String,
    /// Of which payment.
    pub payment: String,
    /// How much.
    pub amount: i64,
    /// Where it stands, in Stripe's words.
    pub status: &'static str,
    currency: String,
}

impl Refund {
    /// What went back, or is on its way.
    pub fn given(&self) -> i64 {
        if matches!(self.status, "failed" | "canceled") { 0 } else { self.amount }
    }

    fn shown(&self) -> Value {
        json!({
            "id": self.id, "object": "refund", "amount": self.amount, "currency": self.currency,
            "status": self.status, "payment_intent": self.payment,
            "metadata": { "florin_key": self.key },
            "failure_reason": (self.status == "failed").then_some("lost_or_stolen_card"),
        })
    }
}

/// What it answered to a key.
struct Remembered {
    asked: String,
    reply: Reply,
    until: i64,
}

/// The processor.
#[derive(Default)]
pub struct Processor {
    payments: Vec<Payment>,
    refunds: Vec<Refund>,
    by_id: BTreeMap<String, usize>,
    by_key: BTreeMap<String, Vec<usize>>,
    answers: BTreeMap<(String, String), Remembered>,
    disputes: Vec<Dispute>,
    /// Until when each account is answered nothing but errors.
    fails_until: BTreeMap<String, i64>,
    /// How much it has told unasked.
    told: u64,
    notices: Vec<Notice>,
}

impl Processor {
    /// What it took, holds and gave back.
    pub fn payments(&self) -> &[Payment] {
        &self.payments
    }

    /// The payment of an id.
    pub fn payment(&self, id: &str) -> Option<&Payment> {
        self.by_id.get(id).map(|place| &self.payments[*place])
    }

    /// The refunds of a payment.
    pub fn refunds<'p>(&'p self, payment: &'p str) -> impl Iterator<Item = &'p Refund> {
        self.refunds.iter().filter(move |refund| refund.payment == payment)
    }

    /// All refunds.
    pub fn all_refunds(&self) -> &[Refund] {
        &self.refunds
    }

    /// Opens an account.
    pub fn open(&mut self, account: &str) {
        self.fails_until.insert(account.to_owned(), 0);
    }

    /// How many accounts there are.
    pub fn accounts(&self) -> u64 {
        self.fails_until.len() as u64
    }

    /// Has it answer the account at a place nothing but errors until a moment, as in an outage; or all, where none is
    /// at that place.
    pub fn fail_until(&mut self, place: u64, until: i64) {
        let one = usize::try_from(place).ok().filter(|place| *place < self.fails_until.len());
        let skipped = one.unwrap_or_default();
        let taken = if one.is_some() { 1 } else { usize::MAX };
        self.fails_until.values_mut().skip(skipped).take(taken).for_each(|known| *known = until);
    }

    /// What a cardholder does with a challenge, where it still waits for them.
    pub fn challenge(&mut self, id: &str, completes: bool) -> bool {
        let Some(place) = self.by_id.get(id) else { return false };
        let payment = &mut self.payments[*place];
        if payment.status != "requires_action" {
            return false;
        }
        if completes {
            payment.confirm();
        } else {
            payment.status = "requires_payment_method";
            payment.declined = Some("payment_intent_authentication_failure");
        }
        self.tell_of_payment(*place);
        true
    }

    fn handle(&mut self, request: &Request<String>, now: i64, lag: i64, misreads: bool) -> Reply {
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

    /// Ends what it said it would say later.
    fn end_later(&mut self) {
        let mut ended = Vec::new();
        for (place, payment) in self.payments.iter_mut().enumerate() {
            if payment.status != "processing" {
                continue;
            }
            if payment.amount % 100 == 37 {
                payment.confirm();
            } else {
                payment.status = "requires_payment_method";
                payment.declined = Some("generic_decline");
            }
            ended.push(place);
        }
        ended.into_iter().for_each(|place| self.tell_of_payment(place));
        let mut ended = Vec::new();
        for refund in self.refunds.iter_mut().filter(|refund| refund.status == "pending") {
            refund.status = if refund.amount % 10 == 7 { "succeeded" } else { "failed" };
            ended.push(refund.clone());
        }
        for refund in ended {
            let is_over = refund.status == "failed";
            let kind = if is_over { "refund.failed" } else { "refund.updated" };
            self.tell_of_refund(&refund, kind);
        }
    }

    fn fails(&self, account: &str, now: i64) -> bool {
        self.fails_until.get(account).is_some_and(|until| *until > now)
    }

    /// Whether a request is the first under its key.
    fn is_new(&self, request: &Request<String>) -> bool {
        let key = (account(request).to_owned(), header(request, "idempotency-key").to_owned());
        request.method() == Method::POST && !self.answers.contains_key(&key)
    }
}

/// What it says to a payment that it does not want to make just now.
fn unwanted(kind: u64) -> Reply {
    if kind.is_multiple_of(2) {
        refused(403, "invalid_request_error", "account_closed", "This account takes no payments.")
    } else {
        refused(400, "invalid_request_error", "currency_not_supported", "Not in this currency.")
    }
}

/// What arrives at the processor, in whichever mood it is.
///
/// # Errors
/// Never: what is lost is lost on the way.
pub fn answer(world: &Rc<World>, request: &Request<String>) -> Result<Answered, String> {
    let now = world.now();
    let fails = world.processor.borrow().fails(account(request), now)
        || world.strikes(|weather| weather.processor_fails);
    let is_unwanted = request.uri().path() == "/v1/payment_intents"
        && world.processor.borrow().is_new(request)
        && world.strikes(|weather| weather.processor_refuses);
    let (acts, kind) = world.draw(|random| (random.chance(5_000), random.below(4)));
    let lag = if world.strikes(|weather| weather.processor_lags) {
        world.draw(|random| random.between(1_000, 5_400_000))
    } else {
        0
    };
    let misreads = world.strikes(|weather| weather.misread);
    let mut reply = None;
    if is_unwanted && !fails {
        reply = Some(unwanted(kind));
    } else if !fails || acts {
        reply = Some(world.processor.borrow_mut().handle(request, now, lag, misreads));
    }
    let answered = match (fails, reply) {
        (false, Some((status, body))) => {
            Answered { status, body: body.to_string(), ..Answered::default() }
        }
        _ if kind == 0 && !acts => {
            let error =
                json!({ "error": { "type": "invalid_request_error", "code": "rate_limit" }});
            Answered { status: 429, body: error.to_string(), ..Answered::default() }
        }
        _ => Answered {
            status: if kind == 1 { 500 } else { 502 },
            body: "<html>Bad gateway</html>".to_owned(),
            ..Answered::default()
        },
    };
    let number = digest(answered.body.as_bytes()) ^ u64::from(answered.status);
    world.scheduler.note(Actor::Processor, number, || {
        let key = header(request, "idempotency-key");
        let fault = if fails { if acts { " FAULT: after it acted" } else { " FAULT" } } else { "" };
        let (method, path) = (request.method(), request.uri().path());
        let short: String = answered.body.chars().take(160).collect();
        format!("{method} {path} key {key}: {}{fault} {short}", answered.status)
    });
    // Whatever it said it would say later, it says soon.
    if !fails && (answered.body.contains("\"processing\"") || answered.body.contains("\"pending\""))
    {
        let later = Rc::clone(world);
        let pause = world.draw(|random| random.between(1_000, 600_000));
        world.scheduler.after(pause, move || {
            later.processor.borrow_mut().end_later();
            notices::send_off(&later);
        });
    }
    notices::send_off(world);
    Ok(answered)
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

fn decline(code: &str) -> Value {
    json!({ "type": "card_error", "code": "card_declined", "decline_code": code,
            "message": "Your card was declined." })
}

fn refused(status: u16, kind: &str, code: &str, message: &str) -> Reply {
    (status, json!({ "error": { "type": kind, "code": code, "message": message } }))
}

fn missing() -> Reply {
    refused(404, "invalid_request_error", "resource_missing", "There is no such object.")
}

fn header<'r>(request: &'r Request<String>, name: &str) -> &'r str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The account that a request's secret opens.
fn account(request: &Request<String>) -> &str {
    header(request, "authorization").trim_start_matches("Bearer ")
}

fn field<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.get(name).map(String::as_str).unwrap_or_default()
}

fn fields(text: &str) -> Fields {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}
