//! Transfers: money goes to connected accounts and comes back, and none is made or lost on the way.

use std::pin::Pin;

use api::funds::{days_pass, dollars, dollars_of, funded, told_since};
use api::{Answer, Api, Form, cases, invariants};
use domain::api_key::Kind;
use domain::id::{AccountId, Id};
use kit::Merchant;
use serde_json::{Value, json};

/// An account that is connected to the merchant's, and a key of it.
struct Connected {
    id: String,
    key: String,
}

fn connect(api: &Api) -> Connected {
    let id = api.post("/v1/accounts", &[]).ok().id().to_owned();
    let account = AccountId::parse(&id).expect("an account's id");
    let merchant = Merchant { account, ..api.merchant.clone() };
    let key = api.platform.key(&merchant, Kind::Secret, false);
    Connected { id, key }
}

fn transfer(api: &Api, to: &str, amount: &str, more: Form<'_>) -> Answer {
    let form = [("amount", amount), ("currency", "usd"), ("destination", to)];
    api.post("/v1/transfers", &[&form, more].concat())
}

fn reverse(api: &Api, transfer: &Answer, form: Form<'_>) -> Answer {
    api.post(&format!("/v1/transfers/{}/reversals", transfer.id()), form)
}

fn movements(api: &Api, key: &str) -> Vec<(Value, Value)> {
    let path = "/v1/balance_transactions";
    let sent = api.send(http::Method::GET, path, Vec::new(), key, None);
    let listed = kit::run(sent).ok();
    let data = listed.body["data"].as_array().expect("a list").clone();
    data.iter().map(|one| (one["type"].clone(), one["net"].clone())).collect()
}

#[test]
fn an_account_that_is_connected_is_the_merchants_own_to_see() {
    let api = Api::new();
    let form = [
        ("type", "standard"),
        ("country", "de"),
        ("default_currency", "eur"),
        ("email", "jenny@example.com"),
        ("business_profile[name]", "Rosen"),
    ];
    let made = api.post("/v1/accounts", &form).ok();
    assert_eq!(
        (&made.body["country"], &made.body["default_currency"]),
        (&json!("DE"), &json!("eur"))
    );
    assert_eq!(made.body["business_profile"]["name"], "Rosen");
    let path = format!("/v1/accounts/{}", made.id());
    assert_eq!(api.get(&path).ok().body, made.body);
    let plain = api.post("/v1/accounts", &[]).ok();
    assert_eq!(
        (&plain.body["country"], &plain.body["default_currency"]),
        (&json!("US"), &json!("usd"))
    );
    for (name, value) in [("country", "USA"), ("email", "nobody"), ("default_currency", "xyz")] {
        assert_eq!(
            api.post("/v1/accounts", &[(name, value)]).error(400)["param"],
            name.replace("default_", "")
        );
    }
    let other = api.platform.merchant("other");
    let sent = api.send(http::Method::GET, &path, Vec::new(), &other.secret_key, None);
    kit::run(sent).error(403);
}

#[test]
fn a_transfer_takes_what_is_available_and_is_there_at_once() {
    let api = funded();
    let connected = connect(&api);
    let before = api.event_types().len();
    let form = [("description", "Rent"), ("metadata[order]", "1"), ("transfer_group", "g")];
    let made = transfer(&api, &connected.id, "1000", &form).ok();
    assert_eq!(told_since(&api, before), ["transfer.created"]);
    assert_eq!(made.body["destination"], connected.id);
    assert_eq!((&made.body["amount_reversed"], &made.body["reversed"]), (&json!(0), &json!(false)));
    assert_eq!(dollars(&api), (912, 0));
    assert_eq!(dollars_of(&api, &connected.key), (1000, 0));
    assert_eq!(movements(&api, &api.merchant.secret_key)[0], (json!("transfer"), json!(-1000)));
    assert_eq!(movements(&api, &connected.key), [(json!("payment"), json!(1000))]);
    let path = format!(
        "/v1/balance_transactions/{}?expand[]=source",
        made.text_at("/balance_transaction")
    );
    assert_eq!(api.get(&path).ok().body["source"], made.body);
    // The connected account may do with it what it wants.
    let payout = [("amount", "1000"), ("currency", "usd")];
    kit::run(api.posting_as(&connected.key, "/v1/payouts", &payout, None)).ok();
    days_pass(&api, 3);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn nothing_goes_that_is_not_there_or_to_whom_is_not_connected() {
    let api = funded();
    let connected = connect(&api);
    let refused = transfer(&api, &connected.id, "1913", &[]);
    assert_eq!(refused.error(400)["code"], "balance_insufficient");
    let other = api.platform.merchant("other");
    for stranger in ["acct_none", other.account.as_str(), api.merchant.account.as_str()] {
        let refused = transfer(&api, stranger, "1", &[]);
        let error = refused.error(400);
        assert_eq!(
            (&error["param"], &error["code"]),
            (&json!("destination"), &json!("resource_missing"))
        );
    }
    assert_eq!(transfer(&api, &connected.id, "0", &[]).error(400)["param"], "amount");
    // The connected account is no platform of the merchant's.
    transfer(&api, &connected.id, "1000", &[]).ok();
    let back =
        [("amount", "1"), ("currency", "usd"), ("destination", api.merchant.account.as_str())];
    kit::run(api.posting_as(&connected.key, "/v1/transfers", &back, None)).error(400);
    invariants::check_settled(&api.platform);
}

#[test]
fn what_came_back_is_counted_and_shown() {
    let api = funded();
    let connected = connect(&api);
    let made = transfer(&api, &connected.id, "1000", &[]).ok();
    let before = api.event_types().len();
    let part = reverse(&api, &made, &[("amount", "300"), ("metadata[why]", "1")]).ok();
    assert_eq!((&part.body["amount"], &part.body["transfer"]), (&json!(300), &json!(made.id())));
    assert_eq!(dollars(&api), (1212, 0));
    assert_eq!(dollars_of(&api, &connected.key), (700, 0));
    let path = format!("/v1/transfers/{}", made.id());
    let shown = api.get(&path).ok();
    assert_eq!(
        (&shown.body["amount_reversed"], &shown.body["reversed"]),
        (&json!(300), &json!(false))
    );
    assert_eq!(shown.body["reversals"]["data"], json!([part.body]));
    let too_much = reverse(&api, &made, &[("amount", "701")]);
    assert!(too_much.error(400)["message"].as_str().is_some_and(|text| text.contains("(700)")));
    let reversal = format!("{path}/reversals/{}", part.id());
    let updated = api.post(&reversal, &[("metadata[why]", "2")]).ok();
    assert_eq!(api.get(&reversal).ok().body, updated.body);
    assert_eq!(api.get(&path).ok().body["reversals"]["data"], json!([updated.body]));
    let rest = reverse(&api, &made, &[]).ok();
    assert_eq!(rest.body["amount"], 700);
    assert_eq!(api.get(&path).ok().body["reversed"], true);
    reverse(&api, &made, &[]).error(400);
    let told = ["transfer.reversed", "transfer.updated", "transfer.reversed"];
    assert_eq!(told_since(&api, before), told);
    let listed = api.get(&format!("{path}/reversals")).ok();
    assert_eq!(listed.body["data"], json!([rest.body, updated.body]));
    assert_eq!(
        movements(&api, &api.merchant.secret_key)[..2],
        [(json!("transfer_refund"), json!(700)), (json!("transfer_refund"), json!(300))]
    );
    assert_eq!(movements(&api, &connected.key)[0], (json!("payment_refund"), json!(-700)));
    let seen = rest.text_at("/balance_transaction");
    let seen = api.get(&format!("/v1/balance_transactions/{seen}?expand[]=source")).ok();
    assert_eq!(seen.body["source"], rest.body);
    api.get(&format!("/v1/transfers/tr_none/reversals/{}", part.id())).error(404);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn a_transfer_shows_its_ten_newest_reversals() {
    let api = funded();
    let connected = connect(&api);
    let made = transfer(&api, &connected.id, "1000", &[]).ok();
    let path = format!("/v1/transfers/{}", made.id());
    for count in 1..=12 {
        reverse(&api, &made, &[("amount", "10")]).ok();
        let shown = api.get(&path).ok().body["reversals"].clone();
        assert_eq!(shown["data"].as_array().map(Vec::len), Some(count.min(10)));
        assert_eq!(shown["has_more"], json!(count > 10));
    }
    let oldest = api.get(&format!("{path}/reversals?limit=100")).ok().body["data"][11].clone();
    let oldest = oldest["id"].as_str().expect("an id");
    let before = api.get(&path).ok().body;
    api.post(&format!("{path}/reversals/{oldest}"), &[("metadata[a]", "1")]).ok();
    assert_eq!(api.get(&path).ok().body, before, "it is not among those that are shown");
}

#[test]
fn nothing_comes_back_that_the_connected_account_has_paid_out() {
    let api = funded();
    let connected = connect(&api);
    let made = transfer(&api, &connected.id, "1000", &[]).ok();
    let payout = [("amount", "400"), ("currency", "usd")];
    kit::run(api.posting_as(&connected.key, "/v1/payouts", &payout, None)).ok();
    assert_eq!(reverse(&api, &made, &[]).error(400)["code"], "balance_insufficient");
    reverse(&api, &made, &[("amount", "600")]).ok();
    assert_eq!(dollars_of(&api, &connected.key), (0, 0));
    assert_eq!(dollars(&api), (1512, 0));
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn transfers_are_listed_and_updated() {
    let api = funded();
    let (one, two) = (connect(&api), connect(&api));
    let first = transfer(&api, &one.id, "100", &[("transfer_group", "g")]).ok();
    let second = transfer(&api, &two.id, "200", &[]).ok();
    let ids = |query: &str| -> Vec<String> {
        let listed = api.get(&format!("/v1/transfers{query}")).ok();
        let data = listed.body["data"].as_array().expect("a list");
        data.iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(ids(""), [second.id(), first.id()]);
    assert_eq!(ids(&format!("?destination={}", two.id)), [second.id()]);
    assert_eq!(ids("?transfer_group=g"), [first.id()]);
    assert_eq!(ids(&format!("?destination={}&transfer_group=g", one.id)), [first.id()]);
    assert_eq!(ids(&format!("?ending_before={}", first.id())), [second.id()]);
    let before = api.event_types().len();
    let path = format!("/v1/transfers/{}", first.id());
    for _ in 0..2 {
        let updated = api.post(&path, &[("metadata[a]", "1"), ("description", "Tea")]).ok();
        assert_eq!(
            (&updated.body["metadata"], &updated.body["description"]),
            (&json!({"a": "1"}), &json!("Tea"))
        );
    }
    assert_eq!(told_since(&api, before), ["transfer.updated"], "what changes nothing is not told");
    api.get("/v1/transfers/tr_none").error(404);
    invariants::check_registered(&api.platform);
}

/// Runs requests together and says which of them succeeded.
fn race(api: &Api, seed: u64, requests: &[(&str, &str, Form<'_>)]) -> Vec<u16> {
    api.platform.yields(true);
    let racers = requests
        .iter()
        .map(|(key, path, form)| -> Pin<Box<dyn Future<Output = Answer> + '_>> {
            Box::pin(api.posting_as(key, path, form, None))
        })
        .collect();
    let answers = kit::interleave(seed, racers);
    api.platform.yields(false);
    invariants::check(&api.platform);
    answers.iter().map(|answer| answer.status).collect()
}

#[test]
fn a_transfer_and_a_payout_cannot_both_have_the_same_cent() {
    for seed in 0..cases(16, 400) {
        let api = funded();
        let connected = connect(&api);
        let key = api.merchant.secret_key.as_str();
        let money = [("amount", "1147"), ("currency", "usd")];
        let sent = [&money[..], &[("destination", &connected.id)]].concat();
        let mut told =
            race(&api, seed, &[(key, "/v1/payouts", &money), (key, "/v1/transfers", &sent)]);
        told.sort_unstable();
        assert_eq!(told, [200, 400], "seed {seed}");
        assert_eq!(dollars(&api), (765, 0), "seed {seed}");
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn reversals_and_a_payout_of_the_connected_account_take_each_cent_once() {
    for seed in 0..cases(16, 400) {
        let api = funded();
        let connected = connect(&api);
        let made = transfer(&api, &connected.id, "1000", &[]).ok();
        let path = format!("/v1/transfers/{}/reversals", made.id());
        let key = api.merchant.secret_key.as_str();
        let part: Form<'_> = &[("amount", "600")];
        let out: Form<'_> = &[("amount", "600"), ("currency", "usd")];
        let requests =
            [(key, path.as_str(), part), (key, &path, part), (&connected.key, "/v1/payouts", out)];
        let mut told = race(&api, seed, &requests);
        told.sort_unstable();
        assert_eq!(told, [200, 400, 400], "seed {seed}");
        assert_eq!(dollars_of(&api, &connected.key), (400, 0), "seed {seed}");
        invariants::check_settled(&api.platform);
        invariants::check_quiet(&api.platform);
    }
}
