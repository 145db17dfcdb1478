//! A stand-in for a payment processor that speaks as much of Stripe's API as a payment and its lookup need, answers at
//! once, and keeps its own truth.
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use serde_json::{Value, json};

use super::client::{Connection, request};
use super::listener::{self, Arrived};
use super::rows::PAYMENT;

/// A payment as Stripe shows it, with what differs from one to the next in braces.
const SHOWN: &str = include_str!("payment.json");

/// What a search for our key begins with; the key and a quotation mark follow.
const SEARCH: &str = "metadata['florin_key']:'";

/// A payment that it made.
struct Payment {
    id: String,
    amount: String,
}

/// What it knows.
#[derive(Default)]
pub struct Books {
    /// Its payments, by the idempotency key that each was asked for under.
    payments: HashMap<String, Payment>,
    /// The idempotency keys that came with each key of ours: more than one is a payment made twice.
    keys: HashMap<String, Vec<String>>,
    /// How often it was asked for a payment, and how often after one.
    pub posts: u64,
    /// How often it was asked after a payment.
    pub lookups: u64,
    /// The last request for a payment, as something to send again: its headers and its body.
    pub last: Value,
    /// Whether its answers are lost.
    pub loses_answers: bool,
    /// How long it took for its answers, all together.
    pub busy: Duration,
    /// How long it lets whoever asks wait for an answer.
    pub delay: Duration,
}

/// The stand-in, which listens for as long as the process lives.
pub struct StandIn {
    port: u16,
    books: Arc<Mutex<Books>>,
}

impl StandIn {
    /// Starts it.
    pub fn start() -> Result<Self> {
        let books = Arc::new(Mutex::new(Books::default()));
        let kept = Arc::clone(&books);
        let port = listener::serve(move |arrived| {
            let mut books = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let answer = books.answer(arrived);
            books.busy += arrived.at.elapsed();
            let (answer, delay) = (answer.filter(|_| !books.loses_answers), books.delay);
            drop(books);
            sleep(delay);
            answer
        })?;
        Ok(Self { port, books })
    }

    /// A request like the last one for a payment, to be sent so often to here, by a Worker that does nothing else.
    pub fn bare(&self, times: usize) -> String {
        let mut bare = self.books().last.clone();
        bare["url"] = json!(format!("http://127.0.0.1:{}/v1/payment_intents", self.port));
        bare["times"] = json!(times);
        bare.to_string()
    }

    /// What it knows by now.
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a merchant's payments made here, and waits until they are.
    pub fn connect(&self, port: u16, key: &str) -> Result<()> {
        let mut connection = Connection::open(port)?;
        let form = format!(
            "connector=stripe&secret_key=sk_test_51benchmark&base_url=http://127.0.0.1:{}",
            self.port
        );
        let bytes = request("POST", "/v1/florin/connector_accounts", key, None, &form);
        let status = connection.send(&bytes)?;
        ensure!(status == 200, "{}", String::from_utf8_lossy(&connection.body));
        // An isolate remembers for some seconds that there was no account.
        for _ in 0..100 {
            connection.send(&request("POST", "/v1/payment_intents", key, None, PAYMENT))?;
            if self.books().posts > 0 {
                return Ok(());
            }
            sleep(Duration::from_millis(100));
            connection.revive()?;
        }
        anyhow::bail!("no payment came to the stand-in")
    }
}

impl Books {
    /// How many payments it made.
    pub fn payments(&self) -> usize {
        self.payments.len()
    }

    /// How many keys of ours it made more than one payment for.
    pub fn made_twice(&self) -> usize {
        self.keys.values().filter(|keys| keys.len() > 1).count()
    }

    fn answer(&mut self, arrived: &Arrived) -> Option<String> {
        match arrived.target.split_once(['?', '&']) {
            None if arrived.target == "POST /v1/payment_intents" => self.pay(arrived).ok(),
            Some(("GET /v1/payment_intents/search", query)) => Some(self.search(query)),
            _ => None,
        }
    }

    /// Makes a payment, or shows the one that was made under this key.
    fn pay(&mut self, arrived: &Arrived) -> Result<String> {
        self.posts += 1;
        let once = arrived.header("idempotency-key").to_owned();
        let names = ["authorization", "stripe-version", "idempotency-key", "content-type"];
        let headers: HashMap<_, _> = names.map(|name| (name, arrived.header(name))).into();
        self.last = json!({ "headers": headers, "body": arrived.body });
        let fields: HashMap<_, _> =
            form_urlencoded::parse(arrived.body.as_bytes()).into_owned().collect();
        let key = fields.get("metadata[florin_key]").context("a payment without our key")?;
        let amount = fields.get("amount").context("a payment without an amount")?;
        let id = format!("pi_{:024}", self.payments.len());
        if !self.payments.contains_key(&once) {
            self.payments.insert(once.clone(), Payment { id, amount: amount.clone() });
            self.keys.entry(key.clone()).or_default().push(once.clone());
        }
        Ok(shown(key, &self.payments[&once]))
    }

    /// What a search for a key of ours finds.
    fn search(&mut self, query: &str) -> String {
        self.lookups += 1;
        let asked = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "query");
        let asked = asked.map(|(_, value)| value.into_owned()).unwrap_or_default();
        let key = asked.strip_prefix(SEARCH).unwrap_or_default().trim_end_matches('\'');
        let keys = self.keys.get(key).map(Vec::as_slice).unwrap_or_default();
        let found: Vec<_> = keys.iter().map(|once| shown(key, &self.payments[once])).collect();
        format!(
            r#"{{"object":"search_result","data":[{}],"has_more":false,"next_page":null,"url":"/v1/payment_intents/search"}}"#,
            found.join(",")
        )
    }
}

fn shown(key: &str, payment: &Payment) -> String {
    let Payment { id, amount } = payment;
    SHOWN.replace("{id}", id).replace("{key}", key).replace("{amount}", amount)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn arrived(target: &str, once: &str) -> Arrived {
        Arrived {
            at: Instant::now(),
            target: target.to_owned(),
            headers: vec![("idempotency-key".to_owned(), once.to_owned())],
            body: "amount=2000&metadata%5Bflorin_key%5D=att_1".to_owned(),
        }
    }

    #[test]
    fn a_payment_made_again_under_another_key_is_noticed_and_found() {
        let mut books = Books::default();
        let first = books.answer(&arrived("POST /v1/payment_intents", "one"));
        assert_eq!(books.answer(&arrived("POST /v1/payment_intents", "one")), first);
        assert_eq!((books.payments(), books.made_twice()), (1, 0));
        books.answer(&arrived("POST /v1/payment_intents", "another"));
        assert_eq!((books.payments(), books.made_twice()), (2, 1));
        let search =
            "GET /v1/payment_intents/search?query=metadata%5B%27florin_key%27%5D%3A%27att_1%27";
        let found = books.answer(&arrived(search, "")).expect("an answer");
        let found: Value = serde_json::from_str(&found).expect("JSON");
        assert_eq!(found["data"].as_array().map(Vec::len), Some(2));
        assert_eq!((books.posts, books.lookups), (3, 1));
    }
}
