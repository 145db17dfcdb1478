//! A payment processor that speaks Stripe's API and keeps its own truth, for tests to compare with ours.
//!
//! What a card does is told by its number, as with Stripe's test cards: 4000000000009995 is declined,
//! 4000002760003184 wants to see its cardholder, and any other pays. Secrets that begin alike (`sk_test_51`)
//! open the same account.

mod answer;
mod notices;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use flows::platform::Answered;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::Platform;
use answer::{error, shown};

/// What asks for a challenge.
const CHALLENGE: &str = "payment_method_options[card][request_three_d_secure]";

/// The fields of a request.
type Fields = BTreeMap<String, String>;

/// A payment, as the processor knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
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
    pub status: String,
    /// What was taken.
    pub taken: i64,
    /// What went back.
    pub refunded: i64,
    /// The security code that came along.
    pub cvc: Option<String>,
    /// Where the cardholder comes back to.
    pub return_url: Option<String>,
    /// What it remembers the card by, and who keeps it, where it was paid with that.
    pub token: Option<(String, String)>,
    /// What it remembers the card by from this payment on.
    pub remembers: Option<String>,
    /// Why its issuer declines it, where it does, in the words of Stripe and of the network.
    pub decline: (&'static str, &'static str),
    /// The fields of the request that made it.
    pub asked: BTreeMap<String, String>,
}

#[derive(Default)]
struct Books {
    payments: Vec<Paid>,
    refunds: Vec<Value>,
    /// What each balance transaction of a refund is booked as.
    categories: BTreeMap<String, &'static str>,
    /// The cards that it remembers: its name for each, the number, and the customer who keeps it.
    cards: Vec<(String, String, Option<String>)>,
    /// What each idempotency key was answered, and for what.
    answers: BTreeMap<String, (String, u16, String)>,
    requests: Vec<(String, String)>,
    refund_status: Option<&'static str>,
    forgets_keys: bool,
    hides: bool,
    misreads: Option<i64>,
    fails: Option<u16>,
    livemode: Option<bool>,
    holds_until: Option<i64>,
    sends_nowhere: bool,
    completes_before_voids: bool,
    demands_challenges: bool,
    refuses: Option<(&'static str, u16, &'static str)>,
    notices: Vec<String>,
    told: usize,
}

/// A payment processor that speaks Stripe's API.
#[derive(Clone, Default)]
pub struct Processor(Rc<RefCell<Books>>);

impl Processor {
    /// A processor that listens to a platform's requests.
    pub fn listening(platform: &Platform) -> Self {
        let processor = Self::default();
        let listener = processor.clone();
        platform.outside().process(move |request| Ok(listener.answer(request)));
        processor
    }

    /// The payments that it knows, in the order in which they were asked for.
    pub fn payments(&self) -> Vec<Paid> {
        self.0.borrow().payments.clone()
    }

    /// The methods and paths, without what is after a question mark, of the requests since the last call.
    pub fn take_requests(&self) -> Vec<String> {
        let requests = std::mem::take(&mut self.0.borrow_mut().requests);
        requests.into_iter().map(|(method, path)| format!("{method} {path}")).collect()
    }

    /// Decides what becomes of refunds: `succeeded` unless said.
    pub fn refunds_become(&self, status: &'static str) {
        let books = &mut *self.0.borrow_mut();
        books.refund_status = Some(status);
        for refund in &mut books.refunds {
            refund["status"] = json!(status);
        }
        for refund in books.refunds.clone() {
            books.tell("refund.updated", &refund);
        }
    }

    /// Shows a refund otherwise from now on.
    ///
    /// # Panics
    /// When there is no such refund.
    pub fn change_refund(&self, id: &str, field: &str, value: Value) {
        let mut books = self.0.borrow_mut();
        let refund = books.refunds.iter_mut().find(|refund| refund["id"] == id);
        refund.expect("a refund")[field] = value;
    }

    /// Whether it no longer knows the keys of requests, as after a day.
    pub fn forget_keys(&self) {
        let mut books = self.0.borrow_mut();
        books.answers.clear();
        books.forgets_keys = true;
    }

    /// Whether searches find nothing, as while they lag behind.
    pub fn hide(&self, hides: bool) {
        self.0.borrow_mut().hides = hides;
    }

    /// Takes or gives back so much more than it is asked for, from the next payment, capture or refund on.
    pub fn misread(&self, more: i64) {
        self.0.borrow_mut().misreads = Some(more);
    }

    /// Answers everything with this status and no JSON, after it did what it was asked, until told otherwise.
    pub fn fail(&self, status: Option<u16>) {
        self.0.borrow_mut().fails = status;
    }

    /// Says of which mode its payments are; it says nothing of that otherwise.
    pub fn is_live(&self, livemode: bool) {
        self.0.borrow_mut().livemode = Some(livemode);
    }

    /// Says until when what it holds can be taken, in seconds; it says nothing of that otherwise.
    pub fn hold_until(&self, end: i64) {
        self.0.borrow_mut().holds_until = Some(end);
    }

    /// Asks cardholders for something that they cannot be sent to.
    pub fn send_nowhere(&self) {
        self.0.borrow_mut().sends_nowhere = true;
    }

    /// Has cardholders complete their challenge in the moment before it is voided.
    pub fn complete_before_voids(&self) {
        self.0.borrow_mut().completes_before_voids = true;
    }

    /// Has issuers decline cards that they want to see the holders of, unless a challenge is asked for.
    pub fn demand_challenges(&self) {
        self.0.borrow_mut().demands_challenges = true;
    }

    /// Refuses, or no longer refuses, changes by paths with this end, with a status and a code.
    pub fn refuse(&self, refusal: Option<(&'static str, u16, &'static str)>) {
        self.0.borrow_mut().refuses = refusal;
    }

    /// Forgets the cards that it remembers, as when somebody deletes them there.
    pub fn forget_cards(&self) {
        self.0.borrow_mut().cards.clear();
    }

    /// Takes what a payment holds, as somebody does in the processor's own pages.
    ///
    /// # Panics
    /// When there is no such payment.
    pub fn take(&self, id: &str) {
        let mut books = self.0.borrow_mut();
        let paid = books.payments.iter_mut().find(|paid| paid.id == id).expect("a payment");
        paid.status = "succeeded".to_owned();
        paid.taken = paid.amount;
        books.tell_of_payment(id);
    }

    /// What a cardholder does with the challenge of a payment.
    ///
    /// # Panics
    /// When there is no such payment.
    pub fn challenge(&self, id: &str, completes: bool) {
        let mut books = self.0.borrow_mut();
        let paid = books.payments.iter_mut().find(|paid| paid.id == id).expect("a payment");
        assert_eq!(paid.status, "requires_action");
        let is_held = paid.asked.get("capture_method").is_some_and(|method| method == "manual");
        let (status, taken) = match (completes, is_held) {
            (true, false) => ("succeeded", paid.amount),
            (true, true) => ("requires_capture", 0),
            (false, _) => ("requires_payment_method", 0),
        };
        (paid.status, paid.taken) = (status.to_owned(), taken);
        books.tell_of_payment(id);
    }

    /// Holds what a payment is for, as when its cardholder finds the page of the processor behind still open.
    ///
    /// # Panics
    /// When there is no such payment.
    pub fn hold(&self, id: &str) {
        let mut books = self.0.borrow_mut();
        let paid = books.payments.iter_mut().find(|paid| paid.id == id).expect("a payment");
        paid.status = "requires_capture".to_owned();
    }

    /// Ends a payment, as when its authorisation expires.
    ///
    /// # Panics
    /// When there is no such payment.
    pub fn expire(&self, id: &str) {
        let mut books = self.0.borrow_mut();
        let paid = books.payments.iter_mut().find(|paid| paid.id == id).expect("a payment");
        paid.status = "canceled".to_owned();
        books.tell_of_payment(id);
    }

    /// Has what a payment took go back to its cardholder though nobody asked for that.
    ///
    /// # Panics
    /// When there is no such payment.
    pub fn send_back(&self, id: &str) {
        let find = |paid: &&mut Paid| paid.id == id;
        self.0.borrow_mut().payments.iter_mut().find(find).expect("a payment").taken = 0;
        self.expire(id);
    }

    /// Answers a request, for tests that come between.
    pub fn answer(&self, request: &Request<String>) -> Answered {
        let mut books = self.0.borrow_mut();
        let path = request.uri().path().to_owned();
        books.requests.push((request.method().to_string(), path.clone()));
        let (status, body) = books.handle(request, &path);
        match books.fails {
            Some(status) => Answered {
                status,
                body: "<html>Bad gateway</html>".to_owned(),
                ..Answered::default()
            },
            None => Answered { status, body, ..Answered::default() },
        }
    }
}

impl Books {
    fn handle(&mut self, request: &Request<String>, path: &str) -> (u16, String) {
        let fields = |text: &str| -> Fields {
            form_urlencoded::parse(text.as_bytes()).into_owned().collect()
        };
        let account = account_of(request);
        if request.method() == Method::GET {
            let fields = fields(request.uri().query().unwrap_or_default());
            return self.read(&account, path, &fields);
        }
        let header = request.headers().get("idempotency-key").expect("a key for each change");
        let key = header.to_str().expect("text").to_owned();
        let asked = format!("{path}?{}", request.body());
        if let Some((before, status, body)) = self.answers.get(&key) {
            if *before != asked {
                return error(400, "idempotency_error", "", "Keys can only be used with the same.");
            }
            return (*status, body.clone());
        }
        let (status, body) = match self.refuses {
            Some((end, status, code)) if path.ends_with(end) => {
                error(status, "invalid_request_error", code, "That is not done.")
            }
            _ => self.change(&account, path, &fields(request.body())),
        };
        if !self.forgets_keys {
            self.answers.insert(key, (asked, status, body.clone()));
        }
        (status, body)
    }

    fn read(&self, account: &str, path: &str, fields: &Fields) -> (u16, String) {
        let ours = || self.payments.iter().filter(|paid| paid.account == account);
        let list = |object: &str, data: Vec<Value>| {
            (200, json!({ "object": object, "data": data, "has_more": false }).to_string())
        };
        match path.trim_start_matches("/v1/").split('/').collect::<Vec<_>>().as_slice() {
            ["payment_intents", "search"] => {
                let found = ours().filter(|paid| {
                    !self.hides
                        && fields["query"] == format!("metadata['florin_key']:'{}'", paid.key)
                });
                list("search_result", found.map(|paid| self.shown(paid)).collect())
            }
            ["payment_intents", id] => match ours().find(|paid| paid.id == *id) {
                Some(paid) => (200, self.shown(paid).to_string()),
                None => error(404, "invalid_request_error", "resource_missing", "No such payment."),
            },
            ["refunds"] => {
                let of =
                    |refund: &&Value| refund["payment_intent"] == fields["payment_intent"].as_str();
                list("list", self.refunds.iter().filter(of).cloned().collect())
            }
            ["refunds", id] => match self.refunds.iter().find(|refund| refund["id"] == *id) {
                Some(refund) => {
                    let mut refund = refund.clone();
                    let booked = refund["balance_transaction"].as_str().unwrap_or_default();
                    if let Some(category) = self.categories.get(booked)
                        && fields.get("expand[0]").is_some_and(|name| name == "balance_transaction")
                    {
                        refund["balance_transaction"] =
                            json!({ "id": booked, "reporting_category": category });
                    }
                    (200, refund.to_string())
                }
                None => error(404, "invalid_request_error", "resource_missing", "No such refund."),
            },
            other => panic!("nobody reads {other:?}"),
        }
    }

    fn change(&mut self, account: &str, path: &str, fields: &Fields) -> (u16, String) {
        match path.trim_start_matches("/v1/").split('/').collect::<Vec<_>>().as_slice() {
            ["payment_intents"] => self.pay(account, fields),
            ["payment_intents", id, verb] => {
                let ours = |paid: &&mut Paid| paid.id == *id && paid.account == account;
                let Some(paid) = self.payments.iter_mut().find(ours) else {
                    let code = "resource_missing";
                    return error(404, "invalid_request_error", code, "No such payment.");
                };
                if self.completes_before_voids
                    && (*verb, &*paid.status) == ("cancel", "requires_action")
                {
                    paid.status = "succeeded".to_owned();
                    paid.taken = paid.amount;
                }
                let done = operate(paid, verb, fields);
                if *verb == "capture" && done.is_ok() {
                    paid.taken += self.misreads.unwrap_or_default();
                }
                let paid = paid.clone();
                if done.is_ok() {
                    self.tell_of_payment(&paid.id);
                }
                done.map_or_else(|refused| refused, |()| (200, self.shown(&paid).to_string()))
            }
            ["customers"] => self.keep(fields),
            ["refunds"] => self.refund(fields),
            ["refunds", id, "cancel"] => {
                let refund = self.refunds.iter_mut().find(|refund| refund["id"] == *id);
                let refund = refund.expect("a refund");
                if refund["status"] != "requires_action" {
                    return error(400, "invalid_request_error", "", "It cannot be canceled.");
                }
                refund["status"] = json!("canceled");
                let refund = refund.clone();
                self.tell("refund.updated", &refund);
                (200, refund.to_string())
            }
            other => panic!("nobody posts to {other:?}"),
        }
    }

    fn pay(&mut self, account: &str, fields: &Fields) -> (u16, String) {
        let amount: i64 = fields["amount"].parse().expect("a number");
        if fields.contains_key("off_session") && fields.contains_key("setup_future_usage") {
            let problem = "You cannot confirm with the `off_session` parameter when \
                           `setup_future_usage` is also set on the PaymentIntent.";
            return error(400, "invalid_request_error", "", problem);
        }
        let token =
            fields.get("payment_method").map(|card| (card.clone(), fields["customer"].clone()));
        let number = match &token {
            None => fields["payment_method_data[card][number]"].clone(),
            Some((card, customer)) => {
                let kept = |known: &&(String, String, Option<String>)| {
                    known.0 == *card && known.2.as_ref() == Some(customer)
                };
                let Some((_, number, _)) = self.cards.iter().find(kept) else {
                    return no_such_card();
                };
                number.clone()
            }
        };
        let number = number.as_str();
        let remembers = fields.get("setup_future_usage").map(|_| {
            let card = format!("pm_processor_{}", self.cards.len() + 1);
            self.cards.push((card.clone(), number.to_owned(), None));
            card
        });
        let takes = fields["capture_method"] == "automatic";
        let status = match number {
            "4000000000009995" | "4000000000000002" => "requires_payment_method",
            "4000002760003184" if fields.contains_key(CHALLENGE) => "requires_action",
            "4000002760003184" if self.demands_challenges => "requires_payment_method",
            "4000002760003184" if !fields.contains_key("off_session") => "requires_action",
            _ if takes => "succeeded",
            _ => "requires_capture",
        };
        let amount = amount + self.misreads.unwrap_or_default();
        let paid = Paid {
            id: format!("pi_{}", self.payments.len() + 1),
            key: fields["metadata[florin_key]"].clone(),
            account: account.to_owned(),
            amount,
            currency: fields["currency"].clone(),
            status: status.to_owned(),
            taken: if status == "succeeded" { amount } else { 0 },
            refunded: 0,
            cvc: fields.get("payment_method_data[card][cvc]").cloned(),
            return_url: fields.get("return_url").cloned(),
            token,
            remembers,
            decline: match number {
                "4000002760003184" if status == "requires_payment_method" => {
                    ("authentication_required", "65")
                }
                "4000000000000002" => ("do_not_honor", "05"),
                _ => ("insufficient_funds", "51"),
            },
            asked: fields.clone(),
        };
        let answer = match status {
            "requires_payment_method" => {
                let (decline, network) = paid.decline;
                let error = json!({
                    "type": "card_error", "code": "card_declined",
                    "decline_code": decline, "network_decline_code": network,
                    "network_advice_code": "02",
                    "message": "Your card was declined.",
                    "payment_intent": { "id": paid.id },
                });
                (402, json!({ "error": error }).to_string())
            }
            _ => (200, self.shown(&paid).to_string()),
        };
        let id = paid.id.clone();
        self.payments.push(paid);
        self.tell_of_payment(&id);
        answer
    }

    /// Makes a customer who keeps a card.
    fn keep(&mut self, fields: &Fields) -> (u16, String) {
        let customer = format!("cus_{}", self.cards.len());
        let known = self.cards.iter_mut().find(|card| card.0 == fields["payment_method"]);
        let Some((_, _, keeper)) = known else { return no_such_card() };
        *keeper = Some(customer.clone());
        (200, json!({ "id": customer, "object": "customer" }).to_string())
    }

    fn shown(&self, paid: &Paid) -> Value {
        let mut shown = shown(paid);
        if let Some(livemode) = self.livemode {
            shown["livemode"] = json!(livemode);
        }
        if self.sends_nowhere && paid.status == "requires_action" {
            shown["next_action"] = json!({ "type": "use_stripe_sdk" });
        }
        if let Some(end) = self.holds_until {
            let card = &mut shown["latest_charge"]["payment_method_details"]["card"];
            card["capture_before"] = json!(end);
        }
        shown
    }

    fn refund(&mut self, fields: &Fields) -> (u16, String) {
        let id = &fields["payment_intent"];
        let amount: i64 = fields["amount"].parse().expect("a number");
        let paid = self.payments.iter_mut().find(|paid| paid.id == *id).expect("a payment");
        if paid.refunded + amount > paid.taken {
            let code = "charge_already_refunded";
            return error(400, "invalid_request_error", code, "More than was paid.");
        }
        let status = self.refund_status.unwrap_or("succeeded");
        if status != "failed" {
            paid.refunded += amount;
        }
        let amount = amount + self.misreads.unwrap_or_default();
        let refund = json!({
            "id": format!("re_{}", self.refunds.len() + 1),
            "object": "refund",
            "amount": amount,
            "currency": paid.currency,
            "metadata": { "florin_key": fields["metadata[florin_key]"] },
            "payment_intent": id,
            "status": status,
            "failure_reason": (status == "failed").then_some("lost_or_stolen_card"),
        });
        self.refunds.push(refund.clone());
        self.tell("refund.created", &refund);
        (200, refund.to_string())
    }
}

/// What is told of a card that is not there.
fn no_such_card() -> (u16, String) {
    let error = json!({
        "type": "invalid_request_error", "code": "resource_missing", "param": "payment_method",
        "message": "No such PaymentMethod.",
    });
    (400, json!({ "error": error }).to_string())
}

/// The account that a request's secret opens.
///
/// # Panics
/// When the request has no secret.
pub fn account_of(request: &Request<String>) -> String {
    let header = request.headers().get("authorization").expect("a secret");
    let secret = header.to_str().expect("text").trim_start_matches("Bearer ");
    secret.chars().take(10).collect()
}

fn operate(paid: &mut Paid, verb: &str, fields: &Fields) -> Result<(), (u16, String)> {
    let number = |name: &str| fields[name].parse::<i64>().expect("a number");
    let code = "payment_intent_unexpected_state";
    let is_held = paid.status == "requires_capture";
    match verb {
        "capture" if is_held => {
            paid.taken += number("amount_to_capture");
            paid.asked.extend(fields.clone());
            let is_final = fields.get("final_capture").is_none_or(|last| last != "false");
            if is_final || paid.taken == paid.amount {
                paid.status = "succeeded".to_owned();
            }
        }
        "increment_authorization" if is_held => paid.amount = number("amount"),
        "cancel" if is_held || paid.status.starts_with("requires_") => {
            paid.status = "canceled".to_owned();
        }
        _ => {
            let message = format!("It is {}.", paid.status);
            return Err(error(400, "invalid_request_error", code, &message));
        }
    }
    Ok(())
}
