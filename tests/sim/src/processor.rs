//! A payment processor that speaks Stripe's API on the wire, and Hyperswitch's to accounts there, shares no code with Florin, and keeps its own truth:
//! what it took, holds and gave back is what counts in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use flows::platform::Answered;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::notices::{self, Notice};
use crate::trace::{Actor, digest};
use crate::world::World;

mod disputes;
mod hyperswitch;
mod objects;
mod requests;
mod settlement;

pub use disputes::Dispute;
pub use hyperswitch::is_hyperswitch;
pub use objects::{Payment, Refund};
pub use requests::WRONG_CODE;
use requests::{account, header, refused};
pub use settlement::{AGREED, Line, Terms};

/// For how many milliseconds after the first time a request may be sent again: for an hour less than it is remembered,
/// and as much longer as clocks differ.
const SENT_WITHIN: i64 = 23 * 3_600_000 + 60_000;

/// A status and a body.
type Reply = (u16, Value);

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
    by_account: BTreeMap<String, Vec<usize>>,
    answers: BTreeMap<(String, String), Remembered>,
    /// When each key was sent off first.
    first_sent: BTreeMap<String, i64>,
    /// The keys to which it has said no, which vouches that nothing was done.
    refused: BTreeSet<String>,
    disputes: Vec<Dispute>,
    /// Until when each account is answered nothing but errors.
    fails_until: BTreeMap<String, i64>,
    /// How much it has told unasked.
    told: u64,
    notices: Vec<Notice>,
    /// How it settles each account.
    terms: BTreeMap<String, Terms>,
    payouts: settlement::Payouts,
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
    pub fn open(&mut self, account: &str, terms: Terms) {
        self.fails_until.insert(account.to_owned(), 0);
        self.terms.insert(account.to_owned(), terms);
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

    /// A request is sent off; says what is wrong with one whose key it may have forgotten. What was given up goes back
    /// under the same key whenever it is found.
    pub fn is_sent(&mut self, request: &Request<String>, now: i64) -> Option<String> {
        let key = key(request).filter(|key| !key.ends_with("_give_back"))?;
        let first = *self.first_sent.entry(key.clone()).or_insert(now);
        let hours = (now - first) / 3_600_000;
        let is_late = now - first > SENT_WITHIN;
        is_late.then(|| format!("I1: {key} was sent again after {hours} hours"))
    }

    /// Whether it said that it did nothing of what a key asked for, or what it did came to nothing.
    pub fn said_no(&self, key: &str) -> bool {
        let places = self.by_key.get(key).map(Vec::as_slice).unwrap_or_default();
        let mut payments = places.iter().map(|place| &self.payments[*place]);
        self.refused.contains(key)
            || payments.any(|paid| paid.declined.is_some() || paid.status == "canceled")
            || self.refunds.iter().any(|refund| refund.key == key && refund.given() == 0)
    }

    fn fails(&self, account: &str, now: i64) -> bool {
        self.fails_until.get(account).is_some_and(|until| *until > now)
    }

    /// Whether a request is the first under its key.
    fn is_new(&self, request: &Request<String>) -> bool {
        if is_hyperswitch(account(request)) {
            let body: Value = serde_json::from_str(request.body()).unwrap_or_default();
            return !self.by_id.contains_key(body["payment_id"].as_str().unwrap_or_default());
        }
        let key = (account(request).to_owned(), header(request, "idempotency-key").to_owned());
        request.method() == Method::POST && !self.answers.contains_key(&key)
    }
}

/// The key of a request that does something, where it has one.
fn key(request: &Request<String>) -> Option<String> {
    if request.method() == Method::GET {
        return None;
    }
    let key = match is_hyperswitch(account(request)) {
        true => {
            let body: Value = serde_json::from_str(request.body()).unwrap_or_default();
            body["metadata"]["florin_key"].as_str().unwrap_or_default().to_owned()
        }
        false => header(request, "idempotency-key").to_owned(),
    };
    (!key.is_empty()).then_some(key)
}

/// What it says to a payment that it does not want to make just now.
fn unwanted(kind: u64, account: &str) -> Reply {
    if is_hyperswitch(account) {
        let (status, code) = if kind.is_multiple_of(2) { (401, "IR_01") } else { (400, "IR_06") };
        return hyperswitch::refused(status, code, "It takes no payments.");
    }
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
    let is_unwanted = matches!(request.uri().path(), "/v1/payment_intents" | "/payments")
        && world.processor.borrow().is_new(request)
        && world.strikes(|weather| weather.processor_refuses);
    let (acts, kind) = world.draw(|random| (random.chance(5_000), random.below(4)));
    let lag = if world.strikes(|weather| weather.processor_lags) {
        let most = world.weather().longest_lag();
        world.draw(|random| random.between(1_000, most))
    } else {
        0
    };
    let misreads = world.strikes(|weather| weather.misread);
    let mut reply = None;
    if is_unwanted && !fails {
        reply = Some(unwanted(kind, account(request)));
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
    if (400..500).contains(&answered.status)
        && let Some(key) = key(request)
    {
        world.processor.borrow_mut().refused.insert(key);
    }
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
