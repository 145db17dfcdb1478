//! Payments through an account at a payment processor, for the tests of both what goes well and what does not.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use flows::platform::Answered;
use kit::{Fault, Paid, Processor, account_of};
use serde_json::Value;

use crate::{Answer, Api};

/// Where payments are made.
pub const PAY: &str = "/v1/payment_intents";
/// A card that pays.
pub const VISA: &str = "4242424242424242";
/// What asks for money to be held only.
pub const MANUAL: (&str, &str) = ("capture_method", "manual");

/// Parameters.
pub type Pairs = Vec<(&'static str, &'static str)>;

/// The form of a payment of 20 dollars by a card's number.
pub fn card(number: &'static str, more: &[(&'static str, &'static str)]) -> Pairs {
    let fixed = [
        ("amount", "2000"),
        ("currency", "usd"),
        ("confirm", "true"),
        ("payment_method_types[]", "card"),
        ("payment_method_data[type]", "card"),
        ("payment_method_data[card][number]", number),
        ("payment_method_data[card][exp_month]", "12"),
        ("payment_method_data[card][exp_year]", "2034"),
    ];
    [fixed.as_slice(), more].concat()
}

/// The form of a payment with a card that a customer keeps, in its holder's absence.
pub fn absent<'a>(customer: &'a str, method: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("amount", "2000"),
        ("currency", "usd"),
        ("confirm", "true"),
        ("off_session", "true"),
        ("customer", customer),
        ("payment_method", method),
        ("payment_method_types[]", "card"),
    ]
}

/// A deployment whose merchant has an account at a processor.
pub fn connected() -> (Api, Processor) {
    let api = Api::watched();
    let processor = Processor::listening(&api.platform);
    let form = [("connector", "stripe"), ("secret_key", "sk_test_51example")];
    api.post("/v1/florin/connector_accounts", &form).ok();
    // An isolate remembers for so long that there was none.
    api.platform.advance(5);
    (api, processor)
}

/// The one payment that the processor has.
///
/// # Panics
/// When it has none, or more.
pub fn only(processor: &Processor) -> Paid {
    let payments = processor.payments();
    assert_eq!(payments.len(), 1, "{payments:?}");
    payments[0].clone()
}

/// The path of an intent.
pub fn path(intent: &Answer) -> String {
    format!("{PAY}/{}", intent.id())
}

/// The newest intent.
pub fn latest(api: &Api) -> Answer {
    let id = api.get(PAY).ok().text_at("/data/0/id").to_owned();
    api.get(&format!("{PAY}/{id}")).ok()
}

/// What the newest attempt's row holds.
///
/// # Panics
/// When there is no attempt.
pub fn attempt(api: &Api, column: &'static str) -> Value {
    let rows = api.platform.database().query("SELECT * FROM attempts ORDER BY created, id", vec![]);
    rows.last().expect("an attempt").0[column].clone()
}

/// Lets time pass, with a beat in each of so many equal parts.
pub fn pass(api: &Api, seconds: i64, beats: i64) {
    for _ in 0..beats {
        api.platform.advance(seconds / beats);
        api.beat();
    }
}

/// Loses the next request to the processor, or its answer.
pub fn lose(api: &Api, fault: Fault) {
    api.platform.outside().processor_hop.fail(1, fault);
}

/// What one account at the processor does with each request, in the stead of the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It is as the processor is.
    Well,
    /// It answers this status, and does nothing.
    Status(u16),
    /// The connection breaks before anything is done.
    Silent,
    /// The connection breaks after it was done.
    Speechless,
}

/// The moods of accounts, by the beginning of their secrets.
pub type Moods = Rc<RefCell<BTreeMap<String, Mood>>>;

/// A merchant with several accounts at a processor.
pub struct Routed {
    /// The deployment.
    pub api: Api,
    /// The processor.
    pub processor: Processor,
    /// The accounts' ids, in the order in which they were made.
    pub accounts: Vec<String>,
    moods: Moods,
}

impl Routed {
    /// A merchant with so many accounts, and no document yet.
    ///
    /// # Panics
    /// When they cannot be made.
    pub fn new(accounts: usize) -> Self {
        let api = Api::watched();
        let processor = Processor::listening(&api.platform);
        let moods = Moods::default();
        let (listener, known) = (processor.clone(), Rc::clone(&moods));
        api.platform.outside().process(move |request| {
            let mood = known.borrow().get(&account_of(request)).copied();
            let broken = Err("the connection was lost".to_owned());
            match mood.unwrap_or(Mood::Well) {
                Mood::Well => Ok(listener.answer(request)),
                Mood::Status(status) => {
                    let error =
                        serde_json::json!({ "error": { "type": "api_error", "code": "not_now" } });
                    Ok(Answered { status, body: error.to_string(), ..Answered::default() })
                }
                Mood::Silent => broken,
                Mood::Speechless => {
                    listener.answer(request);
                    broken
                }
            }
        });
        let make = |place| {
            let secret = format!("{}example", secret(place));
            let form = [("connector", "stripe"), ("secret_key", secret.as_str())];
            api.post("/v1/florin/connector_accounts", &form).ok().id().to_owned()
        };
        let accounts = (0..accounts).map(make).collect();
        api.platform.advance(5);
        Self { api, processor, accounts, moods }
    }

    /// Publishes that payments go to the accounts in the order in which they were made.
    pub fn prioritise(&self, more: &[(&str, &str)]) -> Answer {
        let names: Vec<_> =
            (0..self.accounts.len()).map(|place| format!("default[priority][{place}]")).collect();
        let form: Vec<_> = names
            .iter()
            .zip(&self.accounts)
            .map(|(name, id)| (name.as_str(), id.as_str()))
            .collect();
        self.api.post("/v1/florin/routing", &[form.as_slice(), more].concat()).ok()
    }

    /// Decides what the account at a place does.
    pub fn mood(&self, place: usize, mood: Mood) {
        self.moods.borrow_mut().insert(secret(place), mood);
    }

    /// The places of the accounts that payments were made in, in their order, whatever came of them.
    ///
    /// # Panics
    /// When one was made in another.
    pub fn paid_at(&self) -> Vec<usize> {
        let payments = self.processor.payments();
        let place = |paid: &Paid| (0..9).find(|place| secret(*place) == paid.account);
        payments.iter().map(|paid| place(paid).expect("an account")).collect()
    }

    /// The attempts of the newest payment, the first one first.
    ///
    /// # Panics
    /// When there is no payment.
    pub fn attempts(&self) -> Vec<Value> {
        let id = latest(&self.api).id().to_owned();
        let path = format!("/v1/florin/payment_attempts?routed=true&payment_intent={id}");
        let list = self.api.get(&path).ok();
        let mut found = list.body["data"].as_array().expect("a list").clone();
        found.retain(|attempt| attempt["routing"].is_object());
        found.sort_by_key(|attempt| attempt["routing"]["number"].as_i64());
        found
    }

    /// The place of an attempt's account.
    ///
    /// # Panics
    /// When it is at none.
    pub fn place(&self, attempt: &Value) -> usize {
        let id = attempt["connector_account"].as_str().expect("an account");
        self.accounts.iter().position(|known| known == id).expect("a place")
    }
}

fn secret(place: usize) -> String {
    format!("sk_test_5{}", place + 1)
}

/// What is shown of the card of the last charge.
pub fn charged_card(api: &Api) -> Value {
    let id = latest(api).text_at("/latest_charge").to_owned();
    api.get(&format!("/v1/charges/{id}")).ok().body["payment_method_details"]["card"].clone()
}
