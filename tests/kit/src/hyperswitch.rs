//! A payment processor that speaks Hyperswitch's API on the wire and keeps its own truth, for tests to compare with
//! ours.
//!
//! What a card does is told by its number, as with [`Processor`](crate::Processor). Each secret opens an account of
//! its own. A card is remembered with a payment that succeeds, where that is asked for as Hyperswitch wants it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use flows::platform::Answered;
use hmac::{Hmac, Mac};
use http::{Method, Request};
use serde_json::{Value, json};
use sha2::Sha512;

use crate::Platform;

#[derive(Default)]
struct Books {
    payments: BTreeMap<String, Value>,
    refunds: BTreeMap<String, Value>,
    requests: Vec<String>,
    /// The cards that it remembers, by what it calls them.
    cards: BTreeMap<String, Card>,
    /// The cards that it is to remember, by the payment that has to succeed first.
    wanted: BTreeMap<String, Card>,
    /// The keys of the payments, as they were made.
    order: Vec<String>,
    /// Every payment that it was asked for.
    asked: Vec<Request<String>>,
    /// Whether no processor behind it can be paid with what is remembered.
    has_no_mandates: bool,
    /// Whether the processor behind it refuses to let go of money.
    keeps_holds: bool,
}

/// What the processor behind it takes for the reason of a void: the four of Stripe
/// (<https://docs.stripe.com/api/payment_intents/cancel>).
const REASONS: [&str; 4] = ["duplicate", "fraudulent", "requested_by_customer", "abandoned"];

/// How many characters of a description its database keeps.
const LONGEST_DESCRIPTION: usize = 255;

/// A card, and the customer who keeps it.
#[derive(Clone)]
struct Card {
    number: String,
    customer: String,
}

/// A payment processor that speaks Hyperswitch's API.
#[derive(Clone, Default)]
pub struct Hyperswitch(Rc<RefCell<Books>>);

impl Hyperswitch {
    /// A processor that listens to a platform's requests.
    pub fn listening(platform: &Platform) -> Self {
        let processor = Self::default();
        let listener = processor.clone();
        platform.outside().process(move |request| {
            let mut books = listener.0.borrow_mut();
            let (status, body) = books.handle(request);
            Ok(Answered { status, body: body.to_string(), ..Answered::default() })
        });
        processor
    }

    /// What signs a body that it tells unasked.
    ///
    /// # Panics
    /// Never: HMAC takes keys of every length.
    pub fn sign(body: &str, secret: &str) -> String {
        let mut mac = Hmac::<Sha512>::new_from_slice(secret.as_bytes()).expect("any length");
        mac.update(body.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }

    /// The payments that it knows.
    pub fn payments(&self) -> Vec<Value> {
        self.0.borrow().payments.values().cloned().collect()
    }

    /// The payment that was made last.
    ///
    /// # Panics
    /// When there is none.
    pub fn latest(&self) -> Value {
        let books = self.0.borrow();
        books.payments[books.order.last().expect("a payment")].clone()
    }

    /// What it was asked for last, of the payments.
    ///
    /// # Panics
    /// When it was asked for none.
    pub fn asked(&self) -> Value {
        let books = self.0.borrow();
        serde_json::from_str(books.asked.last().expect("a payment").body()).expect("JSON")
    }

    /// What was taken in all.
    pub fn taken(&self) -> i64 {
        let taken = |payment: &Value| payment["amount_received"].as_i64().unwrap_or_default();
        self.0.borrow().payments.values().map(taken).sum()
    }

    /// Forgets every card.
    pub fn forget_cards(&self) {
        self.0.borrow_mut().cards.clear();
    }

    /// Has the processors behind it replaced by some that cannot be paid with what is remembered.
    pub fn lose_mandates(&self) {
        self.0.borrow_mut().has_no_mandates = true;
    }

    /// Has the processor behind it refuse every void.
    pub fn keep_holds(&self) {
        self.0.borrow_mut().keeps_holds = true;
    }

    /// Receives every request for a payment once more, as a network may deliver it late. The processors behind it are
    /// as they were by then.
    pub fn receive_all_again(&self) {
        let mut books = self.0.borrow_mut();
        books.has_no_mandates = false;
        for request in std::mem::take(&mut books.asked) {
            books.handle(&request);
        }
    }

    /// What went back in all.
    pub fn refunded(&self) -> i64 {
        self.0.borrow().refunds.values().map(|refund| number(refund, "amount")).sum()
    }

    /// The methods and addresses of the requests since the last call.
    pub fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut().requests)
    }

    /// Has a bank send back what the one payment took, which is then reviewed.
    ///
    /// # Panics
    /// When there is no payment.
    pub fn send_back(&self) {
        let mut books = self.0.borrow_mut();
        let payment = books.payments.values_mut().next().expect("a payment");
        payment["status"] = json!("review");
    }

    /// Has the cardholder of the one payment complete its challenge.
    ///
    /// # Panics
    /// When there is no payment.
    pub fn complete(&self) {
        let mut books = self.0.borrow_mut();
        let (key, payment) = books.payments.iter_mut().next().expect("a payment");
        payment["status"] = json!("succeeded");
        payment["amount_received"] = payment["amount"].clone();
        let key = key.clone();
        books.remember(&key);
    }
}

impl Books {
    fn handle(&mut self, request: &Request<String>) -> (u16, Value) {
        let path = request.uri().path().to_owned();
        let host = request.uri().host().expect("a host").to_owned();
        self.requests.push(format!("{} {host}{path}", request.method()));
        let header = request.headers().get("api-key").expect("a secret");
        let merchant = header.to_str().expect("text").to_owned();
        if !merchant.starts_with("snd_") {
            return refused(401, "IR_01", "API key not provided or invalid API key used");
        }
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        if request.method() == Method::GET {
            let found = match parts.as_slice() {
                ["payments", id] => self.payments.get(&format!("{merchant}/{id}")),
                ["refunds", id] => self.refunds.get(*id),
                other => panic!("nobody reads {other:?}"),
            };
            let missing = || refused(404, "HE_02", "It does not exist in our records");
            return found.map_or_else(missing, |found| (200, found.clone()));
        }
        let body: Value = serde_json::from_str(request.body()).expect("JSON");
        match parts.as_slice() {
            ["payments"] => {
                self.asked.push(request.clone());
                // Where there are several profiles, the header alone chooses none.
                let profile = request.headers().get("x-profile-id").map(|value| value.as_bytes());
                assert_eq!(body["profile_id"].as_str().map(str::as_bytes), profile, "{body}");
                self.pay(&merchant, &body)
            }
            ["payments", id, verb] => {
                let key = format!("{merchant}/{id}");
                let keeps_hold = self.keeps_holds;
                let payment = self.payments.get_mut(&key).expect("a payment");
                operate(payment, verb, &body, keeps_hold)
            }
            ["refunds"] => self.refund(&merchant, &body),
            other => panic!("nobody posts to {other:?}"),
        }
    }

    fn pay(&mut self, merchant: &str, body: &Value) -> (u16, Value) {
        let id = checked_id(body, "payment_id");
        let key = format!("{merchant}/{id}");
        // The card is looked at before the id.
        let code = &body["payment_method_data"]["card"]["card_cvc"];
        if code.as_str().is_some_and(|code| !(3..=4).contains(&code.len())) {
            return refused(400, "IR_16", "Invalid card_cvc length");
        }
        if self.payments.contains_key(&key) {
            return refused(
                400,
                "HE_01",
                "The payment with the specified payment_id already exists",
            );
        }
        let currency = body["currency"].as_str().expect("a currency");
        assert!(currency.bytes().all(|byte| byte.is_ascii_uppercase()), "{currency}");
        assert_eq!(body["confirm"], true);
        let takes = body["capture_method"] == "automatic";
        let amount = number(body, "amount");
        let card = match self.card(body) {
            Ok(card) => card,
            Err(refusal) => return refusal,
        };
        let recurring = &body["recurring_details"];
        let by_token = recurring["type"] == "payment_method_id";
        let said = body["description"].as_str().unwrap_or_default();
        if said.chars().count() > LONGEST_DESCRIPTION {
            return refused(500, "HE_00", "Something went wrong");
        }
        let status = match card.number.as_str() {
            // It finds out only when the payment is made.
            _ if by_token && self.has_no_mandates => "requires_payment_method",
            "4000000000009995" => "failed",
            "4000002760003184" => "requires_customer_action",
            _ if takes => "succeeded",
            _ => "requires_capture",
        };
        let mut payment = json!({
            "payment_id": id, "merchant_id": "merchant_1", "profile_id": "pro_1", "status": status,
            "amount": amount, "net_amount": amount, "amount_capturable": 0, "amount_received": 0,
            "currency": currency, "payment_method": "card", "attempt_count": 1,
            "processor_merchant_id": "merchant_1", "metadata": body["metadata"],
            "setup_future_usage": body["setup_future_usage"], "off_session": body["off_session"],
            "payment_method_id": recurring["data"].as_str(), "cancellation_reason": null,
            "incremental_authorization_allowed":
                status == "requires_capture" && body["request_incremental_authorization"] == true,
        });
        match status {
            "succeeded" => payment["amount_received"] = json!(amount),
            "requires_capture" => payment["amount_capturable"] = json!(amount),
            "failed" => {
                payment["error_code"] = json!("card_declined");
                payment["error_message"] = json!("Your card has insufficient funds.");
                payment["issuer_error_code"] = json!("51");
            }
            "requires_payment_method" => {}
            _ => {
                let url = format!("https://sandbox.hyperswitch.io/payments/redirect/{id}");
                payment["next_action"] =
                    json!({ "type": "redirect_to_url", "redirect_to_url": url });
            }
        }
        self.payments.insert(key.clone(), payment);
        self.order.push(key.clone());
        if status == "requires_payment_method" {
            return refused(400, "IR_39", "No eligible connector was found");
        }
        if !body["setup_future_usage"].is_null() {
            self.wanted.insert(key.clone(), card);
        }
        self.remember(&key);
        (200, self.payments[&key].clone())
    }

    /// The card that is paid with, or why there is none. Nothing was made by then.
    fn card(&self, body: &Value) -> Result<Card, (u16, Value)> {
        let customer = body["customer"]["id"].as_str().unwrap_or_default().to_owned();
        if body["recurring_details"].is_null() {
            assert!(body["off_session"].is_null(), "that asks for what is remembered: {body}");
            if !body["setup_future_usage"].is_null() {
                assert_eq!(body["customer_acceptance"]["acceptance_type"], "offline", "{body}");
                if customer.is_empty() {
                    let problem = "customer_id is mandatory when setup_future_usage is given";
                    return Err(refused(400, "IR_16", problem));
                }
            }
            let card = &body["payment_method_data"]["card"];
            assert!(card["card_cvc"].is_string(), "its schema wants a code: {body}");
            let number = card["card_number"].as_str().expect("a number").to_owned();
            return Ok(Card { number, customer });
        }
        assert_eq!(body["off_session"], true, "`off_session` should be `true` for mandates");
        assert!(body["payment_method_data"].is_null(), "{body}");
        let data = &body["recurring_details"]["data"];
        if body["recurring_details"]["type"] == "network_transaction_id_and_card_details" {
            assert!(data["network_transaction_id"].is_string(), "{body}");
            assert!(data["card_cvc"].is_null(), "its schema has no code: {body}");
            let number = data["card_number"].as_str().expect("a number").to_owned();
            return Ok(Card { number, customer });
        }
        assert_eq!(body["recurring_details"]["type"], "payment_method_id", "{body}");
        let known = data.as_str().and_then(|id| self.cards.get(id));
        let missing = || refused(404, "HE_02", "Payment method does not exist in our records");
        let known = known.cloned().ok_or_else(missing)?;
        if known.customer != customer {
            return Err(refused(400, "IR_16", "customer_id must match mandate customer_id"));
        }
        Ok(known)
    }

    /// Remembers the card of a payment that succeeded or is held, where it is to.
    fn remember(&mut self, key: &str) {
        let payment = self.payments.get_mut(key).expect("a payment");
        if !matches!(payment["status"].as_str(), Some("succeeded" | "requires_capture")) {
            return;
        }
        if let Some(card) = self.wanted.remove(key) {
            let id = format!("pm_processor_{}", self.cards.len().saturating_add(1));
            payment["payment_method_id"] = json!(id);
            payment["network_transaction_id"] = json!("MCC123456789");
            self.cards.insert(id, card);
        }
    }

    fn refund(&mut self, merchant: &str, body: &Value) -> (u16, Value) {
        let id = checked_id(body, "refund_id");
        if self.refunds.contains_key(&id) {
            return refused(400, "HE_01", "The refund with the specified refund_id already exists");
        }
        let paid = body["payment_id"].as_str().expect("a payment");
        let payment = &self.payments[&format!("{merchant}/{paid}")];
        let before =
            self.refunds.values().filter(|refund| refund["payment_id"] == body["payment_id"]);
        let before: i64 = before.map(|refund| number(refund, "amount")).sum();
        if before + number(body, "amount") > number(payment, "amount_received") {
            return refused(400, "IR_13", "The refund amount exceeds the amount captured");
        }
        let refund = json!({
            "refund_id": id, "payment_id": body["payment_id"], "amount": body["amount"],
            "currency": payment["currency"], "status": "succeeded", "connector": "stripe",
            "metadata": body["metadata"],
        });
        self.refunds.insert(id, refund.clone());
        (200, refund)
    }
}

fn operate(payment: &mut Value, verb: &str, body: &Value, keeps_hold: bool) -> (u16, Value) {
    let status = payment["status"].as_str().expect("a status").to_owned();
    let is_held = status == "requires_capture";
    match verb {
        "capture" if is_held => {
            let taken = number(body, "amount_to_capture");
            let whole = taken == number(payment, "amount");
            payment["amount_received"] = json!(taken);
            payment["amount_capturable"] = json!(0);
            payment["status"] = json!(if whole { "succeeded" } else { "partially_captured" });
        }
        "cancel" if is_held || status == "requires_customer_action" => {
            payment["cancellation_reason"] = body["cancellation_reason"].clone();
            let reason = body["cancellation_reason"].as_str();
            if keeps_hold || reason.is_some_and(|reason| !REASONS.contains(&reason)) {
                // It takes no more for the payment, and what is held stays so.
                payment["status"] = json!("failed");
                payment["error_code"] = json!("parameter_invalid");
            } else {
                payment["amount_capturable"] = json!(0);
                payment["status"] = json!("cancelled");
            }
        }
        "incremental_authorization"
            if is_held && payment["incremental_authorization_allowed"] == true =>
        {
            payment["amount"] = body["amount"].clone();
            payment["amount_capturable"] = body["amount"].clone();
        }
        _ => return refused(400, "IR_14", &format!("This Payment could not be used: {status}")),
    }
    (200, payment.clone())
}

/// The id that a request gives what it makes.
fn checked_id(body: &Value, name: &str) -> String {
    let id = body[name].as_str().expect("an id");
    assert!(id.len() <= 30, "{id}");
    id.to_owned()
}

fn number(value: &Value, name: &str) -> i64 {
    value[name].as_i64().expect("a number")
}

fn refused(status: u16, code: &str, message: &str) -> (u16, Value) {
    let error = json!({ "type": "invalid_request", "message": message, "code": code });
    (status, json!({ "error": error }))
}
