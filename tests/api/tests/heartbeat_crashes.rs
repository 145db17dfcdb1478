//! Crashes of what Florin does by itself with balances and banks: the heartbeat dies at each of its awaits, and
//! the next ones bring it to the same end, once.

use api::funds::{DAY, dollars, pay, pay_with, payout};
use api::{Answer, Api, cases, invariants};
use serde_json::{Value, json};

/// More polls than any beat has.
const MOST_POLLS: u32 = 400;

/// The least number of polls at which something was cut short, or the test shows nothing.
const FEWEST_POLLS: u32 = 3;

fn api(settings: &str) -> Api {
    let api = Api::watched();
    api.platform.set_settings(&api.merchant, settings);
    api
}

/// Runs a story again and again, each time with beats that die one poll later, until none of them dies.
fn at_every_poll(story: impl Fn(u32) -> bool) {
    let mut polls = (1..MOST_POLLS).step_by(cases(2, 1));
    let last = polls.find(|polls| story(*polls)).expect("some beat comes to its end");
    assert!(last > FEWEST_POLLS, "no beat was cut short");
}

fn pay_yen(api: &Api) -> Answer {
    let form = [
        ("amount", "5000"),
        ("currency", "jpy"),
        ("payment_method", "pm_card_visa"),
        ("payment_method_types[]", "card"),
        ("confirm", "true"),
    ];
    api.post("/v1/payment_intents", &form).ok()
}

fn payouts(api: &Api) -> Vec<Value> {
    api.get("/v1/payouts?limit=100").ok().body["data"].as_array().expect("a list").clone()
}

fn told(api: &Api, kind: &str) -> usize {
    api.event_types().iter().filter(|told| *told == kind).count()
}

#[test]
fn a_scheduled_payout_that_dies_half_way_is_made_once_in_each_currency() {
    at_every_poll(|polls| {
        let api = api(r#"{"payout_schedule": {"interval": "daily", "delay_days": 0}}"#);
        api.platform.advance(2 * 3_600);
        pay(&api, "2000");
        pay_yen(&api);
        let mut ended = true;
        // It is made, leaves, and arrives; whatever died is done by the beats after it.
        for _ in 0..3 {
            api.platform.advance(DAY);
            ended &= api.beat_that_dies(polls);
            api.beat();
            api.beat();
        }
        let mut made: Vec<_> = payouts(&api)
            .iter()
            .map(|payout| (payout["amount"].clone(), payout["status"].clone()))
            .collect();
        made.sort_by_key(|(amount, _)| amount.as_i64());
        let paid = json!("paid");
        assert_eq!(made, [(json!(1912), paid.clone()), (json!(4855), paid)], "after {polls} polls");
        for payout in payouts(&api) {
            let path = format!(
                "/v1/balance_transactions?payout={}",
                payout["id"].as_str().expect("an id")
            );
            let carried = api.get(&path).ok().body["data"].clone();
            assert_eq!(carried[0]["net"], payout["amount"], "after {polls} polls");
        }
        assert_eq!(dollars(&api), (0, 0), "after {polls} polls");
        invariants::check_settled(&api.platform);
        invariants::check_quiet(&api.platform);
        ended
    });
}

#[test]
fn a_payout_that_fails_while_the_beat_dies_gives_its_money_back_once() {
    at_every_poll(|polls| {
        let api = api(r#"{"available_after_days": 0}"#);
        pay(&api, "2000");
        let banks = format!("/v1/accounts/{}/external_accounts", api.merchant.account);
        api.post(&banks, &[("external_account", "btok_us_verified_noAccount")]).ok();
        payout(&api, "1000", &[]).ok();
        let mut ended = true;
        for _ in 0..2 {
            api.platform.advance(DAY);
            ended &= api.beat_that_dies(polls);
            api.beat();
            api.beat();
        }
        assert_eq!(payouts(&api)[0]["status"], "failed", "after {polls} polls");
        assert_eq!(dollars(&api), (1912, 0), "after {polls} polls");
        assert_eq!(told(&api, "account.external_account.updated"), 1, "after {polls} polls");
        invariants::check_settled(&api.platform);
        invariants::check_quiet(&api.platform);
        ended
    });
}

#[test]
fn money_becomes_available_once_however_the_beat_dies() {
    at_every_poll(|polls| {
        let api = api("{}");
        pay(&api, "2000");
        pay_yen(&api);
        api.platform.advance(2 * DAY);
        let ended = api.beat_that_dies(polls);
        api.beat();
        assert_eq!(dollars(&api), (1912, 0), "after {polls} polls");
        assert_eq!(told(&api, "balance.available"), 1, "after {polls} polls");
        invariants::check_settled(&api.platform);
        invariants::check_quiet(&api.platform);
        ended
    });
}

#[test]
fn a_topup_arrives_once_however_the_beat_dies() {
    at_every_poll(|polls| {
        let api = api("{}");
        let form = [("amount", "2000"), ("currency", "usd")];
        api.post("/v1/topups", &form).ok();
        api.platform.advance(DAY);
        let ended = api.beat_that_dies(polls);
        api.beat();
        api.beat();
        assert_eq!(dollars(&api), (2000, 0), "after {polls} polls");
        invariants::check_settled(&api.platform);
        invariants::check_quiet(&api.platform);
        ended
    });
}

#[test]
fn a_payout_of_money_that_bypassed_pending_takes_it_once_however_it_dies() {
    at_every_poll(|polls| {
        let api = api("{}");
        pay_with(&api, "pm_card_bypassPending", "2000");
        let form = [("amount", "1912"), ("currency", "usd")];
        api.platform.yields(true);
        let ended = kit::run_until_poll(polls, api.posting("/v1/payouts", &form, Some("key-1")));
        api.platform.yields(false);
        invariants::check(&api.platform);
        api.platform.advance(domain::idempotency::LEASE);
        api.post_once("/v1/payouts", &form, "key-1").ok();
        assert_eq!((payouts(&api).len(), dollars(&api)), (1, (0, 0)), "after {polls} polls");
        assert_eq!(told(&api, "balance.available"), 1, "after {polls} polls");
        invariants::check_settled(&api.platform);
        invariants::check_quiet(&api.platform);
        ended.is_some()
    });
}

#[test]
fn a_bank_account_that_is_taken_away_while_the_request_dies_is_taken_away_once() {
    at_every_poll(|polls| {
        let api = api("{}");
        let banks = format!("/v1/accounts/{}/external_accounts", api.merchant.account);
        let form = [("external_account", "btok_us_verified")];
        api.post(&banks, &form).ok();
        let path = format!("{banks}/{}", api.post(&banks, &form).ok().id());
        api.platform.yields(true);
        let key = &api.merchant.secret_key;
        let sent = api.send(http::Method::DELETE, &path, Vec::new(), key, None);
        let ended = kit::run_until_poll(polls, sent);
        api.platform.yields(false);
        invariants::check(&api.platform);
        let status = api.delete(&path).status;
        assert!(matches!(status, 200 | 404), "{status} after {polls} polls");
        api.get(&path).error(404);
        assert_eq!(told(&api, "account.external_account.deleted"), 1, "after {polls} polls");
        invariants::check_settled(&api.platform);
        invariants::check_quiet(&api.platform);
        ended.is_some()
    });
}
