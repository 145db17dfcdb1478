//! Orders: what a client does with one payment, from asking for it to giving some of it back.

use futures_util::join;
use serde_json::Value;

use crate::client::{Answer, Ask, Client};
use crate::processor::WRONG_CODE;
use crate::trace::Actor;

/// Where payments are made.
const PAY: &str = "/v1/payment_intents";

/// A card whose cardholder is asked to prove who they are.
const CHALLENGED: &str = "4000002760003184";

/// What an order is like; a seed decides it.
#[derive(Clone, Debug)]
pub struct Order {
    card: &'static str,
    amount: i64,
    currency: &'static str,
    is_manual: bool,
    is_in_parts: bool,
    confirms_twice: bool,
    /// The card's security code, where it is sent along.
    code: Option<&'static str>,
    cardholder: Cardholder,
    end: u64,
}

/// What the cardholder does with a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cardholder {
    Completes,
    Fails,
    Leaves,
    CompletesLate,
}

impl Order {
    /// The order of a client.
    pub fn draw(client: &Client) -> Self {
        client.world.draw(|random| {
            let cards = ["4242424242424242"; 12];
            let others = [
                CHALLENGED,
                "4000000000009995",
                CHALLENGED,
                // Declined in a mood, and where its cardholder was not asked.
                "4000000000000002",
                "4000000000000002",
                "4000002500003155",
            ];
            let dozens = random.between(1, 400) * 100;
            let ends = [20, 50, 0, 11, 23, 37, 38, 50, 50, 99];
            Self {
                card: if random.chance(2_500) { random.pick(&others) } else { random.pick(&cards) },
                amount: dozens + random.pick(&ends),
                currency: random.pick(&["usd", "usd", "usd", "eur", "jpy"]),
                is_manual: random.chance(3_000),
                is_in_parts: random.chance(3_000),
                confirms_twice: random.chance(3_500),
                code: match random.below(20) {
                    0..=9 => None,
                    10 => Some(WRONG_CODE),
                    _ => Some("123"),
                },
                cardholder: random.pick(&[
                    Cardholder::Completes,
                    Cardholder::Completes,
                    Cardholder::Fails,
                    Cardholder::Leaves,
                    Cardholder::CompletesLate,
                ]),
                end: random.below(12),
            }
        })
    }

    /// Goes through with it.
    pub async fn run(&self, client: &Client) {
        let paid = if self.is_in_parts {
            self.create_and_confirm(client).await
        } else {
            self.create(client).await
        };
        let Some(id) = paid else { return };
        let path = format!("{PAY}/{id}");
        let Some(mut intent) = client.get(&path).await else { return };
        if intent["status"] == "requires_action" {
            self.challenge(client, &intent).await;
        }
        for pause in [2, 20, 120, 600] {
            if !matches!(intent["status"].as_str(), Some("processing" | "requires_action")) {
                break;
            }
            client.pause(pause * 1_000).await;
            let Some(shown) = client.get(&path).await else { return };
            intent = shown;
        }
        match intent["status"].as_str() {
            Some("requires_capture") => self.take_or_leave(client, &path, &intent).await,
            Some("succeeded") => {}
            _ if self.end < 5 => {
                let ask = client.ask(&format!("{path}/cancel"), &[]);
                done(client, client.insist(&ask).await);
            }
            _ => {}
        }
        self.pry(client).await;
        let Some(intent) = client.get(&path).await else { return };
        if intent["status"] == "succeeded" {
            client.world.told.borrow_mut().payments += 1;
            self.give_back(client, &id, intent["amount_received"].as_i64().unwrap_or(0)).await;
        }
    }

    /// Looks at another merchant's payment, which must not be there.
    async fn pry(&self, client: &Client) {
        if self.end % 6 != 5 {
            return;
        }
        let other = {
            let told = client.world.told.borrow();
            let others = told
                .intents
                .iter()
                .filter(|(_, known)| !known.account.is_empty() && known.account != client.account);
            others.map(|(id, _)| id.clone()).next_back()
        };
        let Some(id) = other else { return };
        let mut ask = client.ask(&format!("{PAY}/{id}"), &[]);
        (ask.method, ask.key) = (http::Method::GET, None);
        if client.send(&ask).await.is_some_and(|answer| answer.is_ok()) {
            let told =
                format!("I8: {} was shown {id}, which is another merchant's", client.account);
            client.world.told.borrow_mut().problems.push(told);
        }
    }

    fn form(&self) -> Vec<(String, String)> {
        let mut form = vec![
            ("amount".to_owned(), self.amount.to_string()),
            ("currency".to_owned(), self.currency.to_owned()),
            ("payment_method_types[]".to_owned(), "card".to_owned()),
        ];
        if self.is_manual {
            form.push(("capture_method".to_owned(), "manual".to_owned()));
        }
        form
    }

    fn card(&self) -> Vec<(String, String)> {
        let card = |name: &str| format!("payment_method_data[card][{name}]");
        let mut form = vec![
            ("payment_method_data[type]".to_owned(), "card".to_owned()),
            (card("number"), self.card.to_owned()),
            (card("exp_month"), "12".to_owned()),
            (card("exp_year"), "2034".to_owned()),
            ("return_url".to_owned(), "https://shop.example.com/done".to_owned()),
        ];
        form.extend(self.code.map(|code| (card("cvc"), code.to_owned())));
        form
    }

    /// Asks for the payment in one request; some click twice.
    async fn create(&self, client: &Client) -> Option<String> {
        let mut ask = client.ask(PAY, &[("confirm", "true")]);
        ask.form.extend(self.form());
        ask.form.extend(self.card());
        let clicks_twice = client.world.draw(|random| random.chance(800));
        let answer = if clicks_twice {
            let (first, second) = join!(client.insist(&ask), client.insist(&ask));
            if let (Some(first), Some(second)) = (&first, &second)
                && first.is_ok()
                && second.is_ok()
                && first.text != second.text
            {
                let told = format!("I5: {:?}: {} and {}", ask.key, first.text, second.text);
                client.world.told.borrow_mut().problems.push(told);
            }
            first.or(second)
        } else {
            client.insist(&ask).await
        };
        let shown = done(client, answer)?;
        shown["id"].as_str().map(str::to_owned)
    }

    /// Makes an intent and confirms it; some confirm it twice at the same time, under two keys.
    async fn create_and_confirm(&self, client: &Client) -> Option<String> {
        let mut ask = client.ask(PAY, &[]);
        ask.form.extend(self.form());
        let made = done(client, client.insist(&ask).await)?;
        let id = made["id"].as_str()?.to_owned();
        self.confirm(client, &id).await;
        Some(id)
    }

    async fn confirm(&self, client: &Client, id: &str) {
        let confirm = || {
            let mut ask = client.ask(&format!("{PAY}/{id}/confirm"), &[]);
            ask.form.extend(self.card());
            ask
        };
        if self.confirms_twice {
            both(client, &[confirm(), confirm()]).await;
        } else if self.end.is_multiple_of(2) {
            // Meanwhile something about it is changed that does not matter to the payment.
            let update = client.ask(&format!("{PAY}/{id}"), &[("description", "A hat")]);
            let soon = client.world.draw(|random| random.between(1, 900));
            let later = async {
                client.pause(soon).await;
                client.insist(&update).await
            };
            let confirm = confirm();
            let (paid, updated) = join!(client.insist(&confirm), later);
            done(client, paid);
            done(client, updated);
        } else {
            both(client, &[confirm()]).await;
        }
    }

    /// What the cardholder does.
    async fn challenge(&self, client: &Client, intent: &Value) {
        let world = &client.world;
        let url = intent["next_action"]["redirect_to_url"]["url"].as_str().unwrap_or_default();
        let pause = match self.cardholder {
            Cardholder::Leaves => return,
            Cardholder::CompletesLate => world.draw(|random| random.between(600_000, 7_200_000)),
            _ => world.draw(|random| random.between(2_000, 120_000)),
        };
        let completes = self.cardholder != Cardholder::Fails;
        if self.cardholder == Cardholder::CompletesLate {
            // Meanwhile the merchant goes on, and may well have canceled it.
            let (later, number, url) = (client.clone(), client.number, url.to_owned());
            world.scheduler.after(pause, move || complete(&later, number, &url, completes));
            return;
        }
        client.pause(pause).await;
        complete(client, client.number, url, completes);
        client.pause(3_000).await;
    }

    /// Takes what is held, or some of it, or lets go of it, or has both done at the same time.
    async fn take_or_leave(&self, client: &Client, path: &str, intent: &Value) {
        let held = intent["amount_capturable"].as_i64().unwrap_or_default();
        let part = client.world.draw(|random| random.between(1, held.max(1))).to_string();
        let capture = |form: &[(&str, &str)]| client.ask(&format!("{path}/capture"), form);
        let cancel = || client.ask(&format!("{path}/cancel"), &[]);
        let asks: Vec<Ask> = match self.end {
            0..=4 => vec![capture(&[])],
            5 | 6 => vec![capture(&[("amount_to_capture", &part)])],
            7 => vec![capture(&[]), cancel()],
            8 => vec![capture(&[("amount_to_capture", &part)]), capture(&[])],
            9 => vec![cancel()],
            10 => vec![capture(&[("amount_to_capture", &(held + 1).to_string())])],
            _ => return,
        };
        both(client, &asks).await;
    }

    /// Gives some of it back, or all, or tries to give back more than was taken.
    async fn give_back(&self, client: &Client, intent: &str, taken: i64) {
        let part = client.world.draw(|random| random.between(1, taken.max(1)));
        let (most, third) = ((taken * 6 / 10).max(1), (taken / 3).max(1));
        let amounts: &[i64] = match self.end {
            0 => &[taken],
            1 => &[third, third],
            5 => &[part],
            2 => &[most, most],
            3 => &[taken, taken],
            4 => &[part, taken - part + 1],
            _ => return,
        };
        let asks: Vec<Ask> = amounts
            .iter()
            .map(|amount| {
                let amount = amount.to_string();
                client.ask("/v1/refunds", &[("payment_intent", intent), ("amount", &amount)])
            })
            .collect();
        both(client, &asks).await;
    }
}

/// Sends one or two requests at the same time.
async fn both(client: &Client, asks: &[Ask]) {
    match asks {
        [one, other] => {
            let (one, other) = join!(client.insist(one), client.insist(other));
            done(client, one);
            done(client, other);
        }
        [one] => {
            done(client, client.insist(one).await);
        }
        _ => {}
    }
}

/// Remembers what a client was told.
fn done(client: &Client, answer: Option<Answer>) -> Option<Value> {
    let answer = answer?;
    let value = answer.json();
    let mut told = client.world.told.borrow_mut();
    if answer.status >= 500 {
        return None;
    }
    if !answer.is_ok() {
        // A decline shows the intent that it is about.
        let intent = value["error"]["payment_intent"].clone();
        told.shown(&client.account, &intent);
        return intent["id"].as_str().is_some().then_some(intent);
    }
    told.shown(&client.account, &value);
    if value["object"] == "refund"
        && matches!(value["status"].as_str(), Some("succeeded" | "pending"))
    {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let amount = value["amount"].as_i64().unwrap_or_default();
        told.refunds.insert(text("id"), (text("payment_intent"), amount));
    }
    Some(value)
}

/// A cardholder completes their challenge, or fails it, at the processor or on the simulator's page.
fn complete(client: &Client, number: u32, url: &str, completes: bool) {
    let world = &client.world;
    if let Some(payment) = url.strip_prefix("https://bank.example.com/") {
        let was_open = world.processor.borrow_mut().challenge(payment, completes);
        let actor = Actor::Cardholder(number);
        world.scheduler.note(actor, u64::from(was_open), || format!("{payment}: {completes}"));
        crate::notices::send_off(world);
        return;
    }
    let result = if completes { "result=complete" } else { "result=fail" };
    let request = http::Request::post(url).body(result.as_bytes().to_vec());
    if let Ok(request) = request {
        let slot = crate::scheduler::Slot::default();
        crate::client::invoke(world, number, client.task, request, slot);
    }
}
