//! The merchants of a run: their accounts at processors, where their payments go, and their endpoints.

use std::rc::Rc;

use domain::timestamp::DAY;
use kit::Merchant;

use crate::client::{Client, Owner};
use crate::endpoints::Endpoint;
use crate::notices::Hook;
use crate::processor::{AGREED, Terms};
use crate::run::{Plan, spawn};
use crate::world::World;

/// The merchants, their accounts at the processor and their endpoints, in calm weather.
pub fn set_up(world: &Rc<World>, plan: &Plan) -> Vec<Owner> {
    let (fewest, most) = plan.merchants();
    let count = world.draw(|random| random.between(fewest, most));
    let merchants: Vec<_> = (0..count).map(|n| merchant(world, &format!("m{n}"))).collect();
    for (number, merchant) in merchants.iter().enumerate() {
        let accounts = world.draw(|random| random.pick(&[0, 1, 1, 2, 3]));
        let endpoints = world.draw(|random| random.below(3));
        spawn(world, merchant, 10_000 + number as u32, 0, move |client| async move {
            connect(&client, accounts).await;
            for place in 0..endpoints {
                listen(&client, place).await;
            }
        });
    }
    world.scheduler.run_until(DAY * 1_000, || world.clients.get() == 0);
    // An isolate remembers for so long that there was none.
    world.scheduler.run_until(world.now() + 6_000, || false);
    merchants
}

fn merchant(world: &World, name: &str) -> Owner {
    let Merchant { secret_key, account, .. } = Merchant::insert(&world.database, name);
    Owner { secret_key, account: account.as_str().to_owned() }
}

/// Connects accounts at the processor; where there are several, a routing says which of them takes a payment.
async fn connect(client: &Client, accounts: u64) {
    let mut ids = Vec::new();
    for place in 0..accounts {
        let elsewhere = client.world.draw(|random| random.chance(3_000));
        let (connector, opens) =
            if elsewhere { ("hyperswitch", "snd") } else { ("stripe", "sk_test") };
        let account = format!("{opens}_51{}{place}", client.account.replace('_', ""));
        let secret = format!("whsec_{place}_of_{}", client.account);
        let terms = client.world.draw(Terms::draw);
        let form = [
            ("connector", connector),
            ("secret_key", account.as_str()),
            ("webhook_secret", secret.as_str()),
            ("fees", AGREED),
        ];
        let told = if terms.is_agreed { 4 } else { 3 };
        let ask = client.ask("/v1/florin/connector_accounts", &form[..told]);
        let Some(made) = client.insist(&ask).await else { return };
        let connector_account = made.json()["id"].as_str().unwrap_or_default().to_owned();
        ids.push(connector_account.clone());
        client.world.processor.borrow_mut().open(&account, terms);
        let path = format!("/connectors/{connector}/webhooks/{connector_account}");
        let owner = client.owner.clone();
        let hook = Hook { path, secret, connector_account, owner };
        client.world.notices.borrow_mut().hooks.insert(account, hook);
    }
    // Without a routing, nobody is asked for proof because a processor wants it.
    let is_routed = client.world.draw(|random| random.chance(4_000));
    if ids.len() > 1 || ids.len() == 1 && is_routed {
        route(client, &ids).await;
    }
}

/// Publishes where payments go: to the first that is well, or shared out between all.
async fn route(client: &Client, accounts: &[String]) {
    let (splits, retries, tries) = client
        .world
        .draw(|random| (random.chance(4_000), random.chance(6_000), random.between(1, 3)));
    let mut ask = client.ask("/v1/florin/routing", &[("replaces", "0")]);
    for (place, account) in accounts.iter().enumerate() {
        let mut add = |name: String, value: String| ask.form.push((name, value));
        if splits {
            add(format!("default[split][{place}][connector_account]"), account.clone());
            add(format!("default[split][{place}][weight]"), "10".to_owned());
        } else {
            add(format!("default[priority][{place}]"), account.clone());
        }
    }
    ask.form.push(("max_attempts".to_owned(), tries.to_string()));
    ask.form.push(("retry_declines".to_owned(), retries.to_string()));
    client.insist(&ask).await;
}

async fn listen(client: &Client, place: u64) {
    let url = format!("https://{}.example.com/hooks/{place}", client.account.replace('_', "-"));
    let form = [("url", url.as_str()), ("enabled_events[]", "*")];
    let Some(made) = client.insist(&client.ask("/v1/webhook_endpoints", &form)).await else {
        return;
    };
    let made = made.json();
    let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
    let endpoint = Endpoint {
        id: text("id"),
        secret: text("secret"),
        account: client.account.clone(),
        ..Endpoint::default()
    };
    client.world.endpoints.borrow_mut().by_url.insert(url, endpoint);
}
