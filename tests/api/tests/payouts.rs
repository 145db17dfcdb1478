//! Payouts: what is available goes to the merchant's bank, once.

use api::funds::{DAY, days_pass, dollars, funded, pay, payout};
use api::{Answer, Api, Form, invariants};
use serde_json::{Value, json};

fn now(api: &Api) -> i64 {
    flows::Platform::now(&api.platform).seconds()
}

fn status(api: &Api, payout: &Answer) -> Value {
    api.get(&format!("/v1/payouts/{}", payout.id())).ok().body["status"].clone()
}

#[test]
fn a_payout_takes_what_is_available_and_arrives_two_days_later() {
    let api = funded();
    let made = payout(&api, "1000", &[("metadata[order]", "1"), ("description", "Rent")]).ok();
    assert_eq!(dollars(&api), (912, 0));
    let midnight = now(&api) - now(&api).rem_euclid(DAY);
    assert_eq!(made.body["arrival_date"], midnight + 2 * DAY);
    assert_eq!((&made.body["status"], &made.body["automatic"]), (&json!("pending"), &json!(false)));
    assert_eq!(made.body["metadata"], json!({"order": "1"}));
    assert_eq!(api.get(&format!("/v1/payouts/{}", made.id())).ok().body, made.body);
    let transaction = made.text_at("/balance_transaction");
    let seen = api.get(&format!("/v1/balance_transactions/{transaction}?expand[]=source")).ok();
    assert_eq!((&seen.body["type"], &seen.body["net"]), (&json!("payout"), &json!(-1000)));
    assert_eq!(seen.body["source"], made.body);
    days_pass(&api, 1);
    assert_eq!(status(&api, &made), "in_transit");
    days_pass(&api, 1);
    assert_eq!(status(&api, &made), "paid");
    assert_eq!(dollars(&api), (912, 0));
    let told: Vec<_> =
        api.event_types().into_iter().filter(|name| name.starts_with("payout")).collect();
    assert_eq!(told, ["payout.created", "payout.updated", "payout.updated", "payout.paid"]);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn nothing_is_paid_out_that_is_not_there() {
    let api = funded();
    pay(&api, "5000");
    let refused = payout(&api, "1913", &[]);
    let error = refused.error(400);
    assert_eq!(error["code"], "balance_insufficient");
    assert!(error["message"].as_str().is_some_and(|text| {
        text.starts_with("You have insufficient funds in your Stripe account for this transfer.")
    }));
    payout(&api, "1912", &[]).ok();
    payout(&api, "1", &[]).error(400);
    for amount in ["0", "-5"] {
        assert_eq!(payout(&api, amount, &[]).error(400)["param"], "amount");
    }
    let missing = payout(&api, "1", &[("destination", "ba_none")]);
    assert_eq!(missing.error(400)["param"], "destination");
    invariants::check_settled(&api.platform);
}

#[test]
fn money_that_became_available_by_date_is_paid_out_before_the_books_were_moved() {
    let api = Api::new();
    pay(&api, "2000");
    api.platform.advance(2 * DAY);
    payout(&api, "1912", &[]).ok();
    assert_eq!(dollars(&api), (0, 0));
    api.beat();
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn what_was_given_back_is_not_paid_out() {
    let api = funded();
    let charge = api.get("/v1/charges").ok().text_at("/data/0/id").to_owned();
    api.post("/v1/refunds", &[("charge", &charge), ("amount", "1000")]).ok();
    payout(&api, "913", &[]).error(400);
    payout(&api, "912", &[]).ok();
    api.post("/v1/refunds", &[("charge", &charge), ("amount", "100")]).ok();
    assert_eq!(dollars(&api), (-100, 0));
    // What is owed is kept from what comes next.
    pay(&api, "2000");
    days_pass(&api, 2);
    assert_eq!(dollars(&api), (1812, 0));
    payout(&api, "1812", &[]).ok();
    assert_eq!(dollars(&api), (0, 0));
    invariants::check_settled(&api.platform);
}

#[test]
fn money_of_many_days_goes_in_one_payout() {
    let api = Api::new();
    for _ in 0..25 {
        pay(&api, "2000");
        days_pass(&api, 1);
    }
    days_pass(&api, 1);
    payout(&api, &(25 * 1912).to_string(), &[]).ok();
    assert_eq!(dollars(&api), (0, 0));
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn payouts_are_listed_by_what_they_are() {
    let api = funded();
    let first = payout(&api, "100", &[]).ok();
    let destination = first.text_at("/destination").to_owned();
    days_pass(&api, 1);
    let second = payout(&api, "200", &[]).ok();
    let ids = |query: &str| -> Vec<String> {
        let listed = api.get(&format!("/v1/payouts{query}")).ok();
        let data = listed.body["data"].as_array().expect("a list");
        data.iter().map(|payout| payout["id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(ids(""), [second.id(), first.id()]);
    assert_eq!(ids("?limit=1"), [second.id()]);
    assert_eq!(ids(&format!("?starting_after={}", second.id())), [first.id()]);
    assert_eq!(ids("?status=pending"), [second.id()]);
    assert_eq!(ids(&format!("?destination={destination}")), [second.id(), first.id()]);
    assert_eq!(ids(&format!("?destination={destination}&status=in_transit")), [first.id()]);
    let arrival = first.body["arrival_date"].as_i64().expect("a date");
    assert_eq!(ids(&format!("?arrival_date={arrival}")), [first.id()]);
    assert_eq!(ids(&format!("?arrival_date[gt]={arrival}&status=pending")), [second.id()]);
    assert_eq!(ids(&format!("?created[lt]={}", now(&api))), [first.id()]);
    api.get("/v1/payouts?status=nonsense").error(400);
    api.get("/v1/payouts/po_none").error(404);
    invariants::check_registered(&api.platform);
}

#[test]
fn an_update_changes_metadata_and_a_pending_payout_is_canceled() {
    let api = funded();
    let made = payout(&api, "1000", &[]).ok();
    let path = format!("/v1/payouts/{}", made.id());
    let updated = api.post(&path, &[("metadata[order]", "2")]).ok();
    assert_eq!(updated.body["metadata"], json!({"order": "2"}));
    let canceled = api.post(&format!("{path}/cancel"), &[]).ok();
    assert_eq!(canceled.body["status"], "canceled");
    assert_eq!(dollars(&api), (1912, 0));
    let transaction = canceled.text_at("/failure_balance_transaction");
    let seen = api.get(&format!("/v1/balance_transactions/{transaction}")).ok();
    assert_eq!((&seen.body["type"], &seen.body["net"]), (&json!("payout_cancel"), &json!(1000)));
    api.post(&format!("{path}/cancel"), &[]).error(400);
    days_pass(&api, 3);
    assert_eq!(status(&api, &made), "canceled");
    let left = payout(&api, "1000", &[]).ok();
    days_pass(&api, 1);
    api.post(&format!("/v1/payouts/{}/cancel", left.id()), &[]).error(400);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn an_instant_payout_arrives_within_seconds() {
    let api = funded();
    let made = payout(&api, "1000", &[("method", "instant")]).ok();
    for _ in 0..2 {
        api.platform.advance(2);
        api.beat();
    }
    assert_eq!(status(&api, &made), "paid");
    invariants::check_settled(&api.platform);
}

#[test]
fn live_mode_pays_nothing_out() {
    let api = Api::new();
    let key = api.platform.key(&api.merchant, domain::api_key::Kind::Secret, true);
    let form = [("amount", "1"), ("currency", "usd")];
    let refused = kit::run(api.posting_as(&key, "/v1/payouts", &form, None));
    assert_eq!(refused.error(400)["code"], "payouts_not_allowed");
}

/// The orders that each race is run in.
fn seeds() -> std::ops::Range<u64> {
    0..api::cases(16, 400)
}

type Racer<'f> = std::pin::Pin<Box<dyn Future<Output = Answer> + 'f>>;

/// Runs requests together and says which of them succeeded.
fn race(api: &Api, seed: u64, requests: &[(&str, Form<'_>)]) -> Vec<u16> {
    api.platform.yields(true);
    let racers = requests
        .iter()
        .map(|(path, form)| -> Racer<'_> { Box::pin(api.posting(path, form, None)) });
    let answers = kit::interleave(seed, racers.collect());
    api.platform.yields(false);
    invariants::check(&api.platform);
    answers.iter().map(|answer| answer.status).collect()
}

#[test]
fn sixty_and_sixty_of_a_hundred_cannot_both_be_paid_out() {
    for seed in seeds() {
        let api = funded();
        let form: Form<'_> = &[("amount", "1147"), ("currency", "usd")];
        let mut told = race(&api, seed, &[("/v1/payouts", form), ("/v1/payouts", form)]);
        told.sort_unstable();
        assert_eq!(told, [200, 400], "seed {seed}");
        assert_eq!(dollars(&api), (765, 0), "seed {seed}");
        invariants::check_settled(&api.platform);
        invariants::check_quiet(&api.platform);
    }
}

#[test]
fn a_payout_against_a_refund_takes_only_what_is_there_when_it_leaves() {
    for seed in seeds() {
        let api = funded();
        let charge = api.get("/v1/charges").ok().text_at("/data/0/id").to_owned();
        let back: Form<'_> = &[("charge", &charge), ("amount", "1000")];
        let out: Form<'_> = &[("amount", "1912"), ("currency", "usd")];
        let told = race(&api, seed, &[("/v1/payouts", out), ("/v1/refunds", back)]);
        // Money always goes back to a cardholder; what was paid out before is owed.
        assert_eq!(told[1], 200, "seed {seed}");
        let left = if told[0] == 200 { -1000 } else { 912 };
        assert_eq!(dollars(&api), (left, 0), "seed {seed}");
        invariants::check_settled(&api.platform);
        invariants::check_quiet(&api.platform);
    }
}

#[test]
fn a_payout_while_money_becomes_available_finds_it_once() {
    for seed in seeds() {
        let api = Api::new();
        pay(&api, "2000");
        api.platform.advance(2 * DAY);
        api.get("/v1/account").ok();
        let form = [("amount", "1912"), ("currency", "usd")];
        api.platform.yields(true);
        let racers: Vec<std::pin::Pin<Box<dyn Future<Output = u16>>>> = vec![
            Box::pin(async { api.posting("/v1/payouts", &form, None).await.status }),
            Box::pin(async {
                api::beat(&api.platform).await;
                200
            }),
        ];
        let told = kit::interleave(seed, racers);
        api.platform.yields(false);
        assert_eq!(told, [200, 200], "seed {seed}");
        assert_eq!(dollars(&api), (0, 0), "seed {seed}");
        invariants::check_settled(&api.platform);
        invariants::check_quiet(&api.platform);
    }
}

fn banks(api: &Api) -> String {
    format!("/v1/accounts/{}/external_accounts", api.merchant.account)
}

fn by_number(number: &str) -> Vec<(&'static str, &str)> {
    vec![
        ("external_account[object]", "bank_account"),
        ("external_account[country]", "US"),
        ("external_account[currency]", "usd"),
        ("external_account[routing_number]", "110000000"),
        ("external_account[account_number]", number),
    ]
}

#[test]
fn a_bank_that_takes_no_payout_sends_it_back() {
    let cases = [
        (by_number("000111111116"), "no_account"),
        (by_number("000111111113"), "account_closed"),
        (vec![("external_account", "btok_us_verified_noAccount")], "no_account"),
    ];
    for (form, code) in cases {
        let api = funded();
        let bank = api.post(&banks(&api), &form).ok();
        assert_eq!((&bank.body["status"], &bank.body["currency"]), (&json!("new"), &json!("usd")));
        let made = payout(&api, "1000", &[("destination", bank.id())]).ok();
        assert_eq!(dollars(&api), (912, 0));
        days_pass(&api, 2);
        let failed = api.get(&format!("/v1/payouts/{}", made.id())).ok();
        assert_eq!(
            (&failed.body["status"], &failed.body["failure_code"]),
            (&json!("failed"), &json!(code))
        );
        assert_eq!(dollars(&api), (1912, 0));
        let transaction = failed.text_at("/failure_balance_transaction");
        let seen = api.get(&format!("/v1/balance_transactions/{transaction}")).ok();
        assert_eq!(
            (&seen.body["type"], &seen.body["net"]),
            (&json!("payout_failure"), &json!(1000))
        );
        let bank = api.get(&format!("{}/{}", banks(&api), bank.id())).ok();
        assert_eq!(bank.body["status"], "errored");
        let told = api.get("/v1/events?type=account.external_account.updated").ok();
        assert_eq!(told.body["data"][0]["data"]["object"], bank.body);
        assert_eq!(told.body["data"][0]["data"]["previous_attributes"], json!({"status": "new"}),);
        // It is told once, however many payouts fail.
        payout(&api, "1000", &[("destination", bank.id())]).ok();
        days_pass(&api, 2);
        let told = api.get("/v1/events?type=account.external_account.updated").ok();
        assert_eq!(told.body["data"].as_array().map(Vec::len), Some(1));
        invariants::check_settled(&api.platform);
        invariants::check_quiet(&api.platform);
    }
}

#[test]
fn a_payout_that_was_paid_can_still_fail() {
    let api = funded();
    let made = payout(&api, "1000", &[]).ok();
    days_pass(&api, 2);
    assert_eq!(status(&api, &made), "paid");
    let context = flows::Context::unattended(&api.platform, api.merchant.scope());
    let code = domain::payout::FailureCode::AccountClosed;
    for _ in 0..2 {
        kit::run(flows::payouts::fail(&context, made.id(), code)).expect("it fails once");
    }
    assert_eq!(status(&api, &made), "failed");
    assert_eq!(dollars(&api), (1912, 0));
    invariants::check_settled(&api.platform);
}

#[test]
fn one_bank_account_of_each_currency_is_the_default() {
    let api = funded();
    let first = api.post(&banks(&api), &by_number("000123456789")).ok();
    assert_eq!(first.body["default_for_currency"], true);
    let second = [by_number("000123456789"), vec![("default_for_currency", "true")]].concat();
    let second = api.post(&banks(&api), &second).ok();
    let third = api.post(&banks(&api), &[("external_account", "btok_us_verified")]).ok();
    let path = |bank: &Answer| format!("{}/{}", banks(&api), bank.id());
    let is_default = |bank| api.get(&path(bank)).ok().body["default_for_currency"].clone();
    assert_eq!([&first, &second, &third].map(is_default), [false, true, false]);
    assert_eq!(payout(&api, "100", &[]).ok().body["destination"], *second.id());
    api.delete(&path(&second)).error(400);
    let update = [("default_for_currency", "true"), ("metadata[a]", "1")];
    api.post(&path(&third), &update).ok();
    assert_eq!([&first, &second, &third].map(is_default), [false, false, true]);
    for _ in 0..2 {
        let deleted = api.delete(&path(&second)).ok();
        assert_eq!(deleted.body["deleted"], true, "also for a client whose answer was lost");
    }
    api.get(&path(&second)).error(404);
    payout(&api, "100", &[("destination", second.id())]).error(400);
    let listed = api.get(&banks(&api)).ok();
    assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(2));
    api.post(&banks(&api), &[("external_account", "btok_none")]).error(400);
    api.post("/v1/accounts/acct_other/external_accounts", &update[..0]).error(400);
    api.get("/v1/accounts/acct_other/external_accounts").error(403);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

fn scheduled(schedule: &str) -> Api {
    let api = Api::watched();
    api.platform.set_settings(&api.merchant, &format!(r#"{{"payout_schedule": {schedule}}}"#));
    // An hour after midnight a day is closed.
    api.platform.advance(2 * 3_600);
    api
}

fn payouts(api: &Api) -> Vec<Value> {
    api.get("/v1/payouts?limit=100").ok().body["data"].as_array().expect("a list").clone()
}

/// Each automatic payout is the sum of what it carries, and no transaction is carried twice.
fn assert_reconciled(api: &Api) {
    let mut seen = std::collections::BTreeSet::new();
    for payout in payouts(api).iter().filter(|payout| payout["automatic"] == true) {
        let id = payout["id"].as_str().expect("an id");
        let path = format!("/v1/balance_transactions?limit=100&payout={id}");
        let carried = api.get(&path).ok().body["data"].as_array().expect("a list").clone();
        let net: i64 = carried.iter().map(|one| one["net"].as_i64().expect("an amount")).sum();
        assert_eq!(json!(net), payout["amount"], "{payout:#}: {carried:#?}");
        for one in carried {
            assert!(seen.insert(one["id"].to_string()), "{one:#} is carried twice");
        }
    }
}

#[test]
fn a_daily_schedule_pays_out_what_became_available_on_closed_days() {
    let api = scheduled(r#"{"interval": "daily"}"#);
    let first = pay(&api, "2000");
    days_pass(&api, 1);
    pay(&api, "3000");
    days_pass(&api, 1);
    assert_eq!(dollars(&api), (1912, 2883));
    assert!(payouts(&api).is_empty(), "the day is not over");
    days_pass(&api, 1);
    let made = &payouts(&api)[0];
    assert_eq!((&made["amount"], &made["automatic"]), (&json!(1912), &json!(true)));
    assert_eq!(made["reconciliation_status"], "completed");
    assert_eq!(dollars(&api), (2883, 0));
    api.post("/v1/refunds", &[("payment_intent", first.id()), ("amount", "500")]).ok();
    days_pass(&api, 5);
    let amounts: Vec<_> = payouts(&api).iter().map(|payout| payout["amount"].clone()).collect();
    assert_eq!(amounts, [json!(2383), json!(1912)]);
    assert_eq!(dollars(&api), (0, 0));
    assert_reconciled(&api);
    let id = made["id"].as_str().expect("an id");
    let of_type = |kind: &str| {
        let path = format!("/v1/balance_transactions?payout={id}&type={kind}");
        api.get(&path).ok().body["data"].as_array().map(Vec::len)
    };
    assert_eq!([of_type("charge"), of_type("refund")], [Some(1), Some(0)]);
    api.post(&format!("/v1/payouts/{id}/cancel"), &[]).error(400);
    let told = api.event_types();
    let told = told.iter().filter(|name| *name == "payout.reconciliation_completed").count();
    assert_eq!(told, 2);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn what_is_owed_and_what_is_paid_out_by_hand_is_carried_by_the_next() {
    let api = scheduled(r#"{"interval": "daily", "delay_days": 0}"#);
    let intent = pay(&api, "2000");
    // By hand today: the rest of the day is left for the schedule.
    let by_hand = payout(&api, "912", &[]).ok();
    let path = format!("/v1/balance_transactions?payout={}", by_hand.id());
    let refused = api.get(&path);
    let message = refused.error(400)["message"].as_str().unwrap_or_default();
    assert!(message.contains("can only be filtered on automatic transfers"), "{message}");
    days_pass(&api, 1);
    assert_eq!(payouts(&api)[0]["amount"], 1000);
    api.post("/v1/refunds", &[("payment_intent", intent.id())]).ok();
    days_pass(&api, 2);
    assert_eq!(payouts(&api).len(), 2, "what is owed is never paid out");
    assert_eq!(dollars(&api), (-2000, 0));
    pay(&api, "5000");
    days_pass(&api, 1);
    assert_eq!(payouts(&api)[0]["amount"], 5000 - 175 - 2000);
    assert_reconciled(&api);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn a_payout_that_failed_is_carried_by_the_next_once_there_is_a_bank_that_takes_it() {
    let api = scheduled(r#"{"interval": "daily", "delay_days": 0}"#);
    let failing = api.post(&banks(&api), &by_number("000111111116")).ok();
    pay(&api, "2000");
    days_pass(&api, 5);
    assert_eq!(payouts(&api).len(), 1);
    assert_eq!((&payouts(&api)[0]["status"], dollars(&api)), (&json!("failed"), (1912, 0)));
    let good = [by_number("000123456789"), vec![("default_for_currency", "true")]].concat();
    api.post(&banks(&api), &good).ok();
    api.delete(&format!("{}/{}", banks(&api), failing.id())).ok();
    days_pass(&api, 1);
    assert_eq!(payouts(&api).len(), 2);
    assert_eq!(dollars(&api), (0, 0));
    assert_reconciled(&api);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_weekly_schedule_pays_on_its_day_in_each_currency() {
    // The tests begin on a Thursday.
    let api = scheduled(r#"{"interval": "weekly", "weekly_anchor": "tuesday", "delay_days": 0}"#);
    pay(&api, "2000");
    let yen = [
        ("amount", "5000"),
        ("currency", "jpy"),
        ("payment_method", "pm_card_visa"),
        ("payment_method_types[]", "card"),
        ("confirm", "true"),
    ];
    api.post("/v1/payment_intents", &yen).ok();
    days_pass(&api, 4);
    assert!(payouts(&api).is_empty());
    days_pass(&api, 1);
    let mut amounts: Vec<_> =
        payouts(&api).iter().map(|payout| payout["amount"].as_i64()).collect();
    amounts.sort_unstable();
    assert_eq!(amounts, [Some(1912), Some(4855)]);
    days_pass(&api, 7);
    assert_eq!(payouts(&api).len(), 2);
    assert_reconciled(&api);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn a_refund_before_the_schedule_runs_puts_a_payout_off_by_a_day_and_not_by_a_week() {
    // The tests begin on a Thursday.
    let api = scheduled(r#"{"interval": "weekly", "weekly_anchor": "tuesday", "delay_days": 0}"#);
    let paid = pay(&api, "2000");
    let yen = [
        ("amount", "5000"),
        ("currency", "jpy"),
        ("payment_method", "pm_card_visa"),
        ("payment_method_types[]", "card"),
        ("confirm", "true"),
    ];
    api.post("/v1/payment_intents", &yen).ok();
    days_pass(&api, 4);
    // Tuesday, half past midnight: Monday is not closed yet.
    api.platform.advance(22 * 3_600 + 1_800);
    api.beat();
    api.post("/v1/refunds", &[("payment_intent", paid.id()), ("amount", "100")]).ok();
    api.post("/v1/payment_intents", &yen).ok();
    api.platform.advance(3_600 + 1_800);
    api.beat();
    let amounts = || {
        let amounts = payouts(&api).into_iter();
        amounts.map(|payout| payout["amount"].as_i64().expect("an amount")).collect::<Vec<_>>()
    };
    assert_eq!(amounts(), [4855], "what was not put off is paid out");
    days_pass(&api, 1);
    assert_eq!(amounts(), [1812, 4855], "yen that came later wait for their own day");
    days_pass(&api, 5);
    assert_eq!(amounts(), [1812, 4855]);
    days_pass(&api, 1);
    assert_eq!(amounts(), [4855, 1812, 4855]);
    assert_reconciled(&api);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn accounts_that_cannot_be_paid_out_keep_nobody_from_it_and_the_heartbeat_rests() {
    let api = scheduled(r#"{"interval": "daily", "delay_days": 0}"#);
    for number in 0..60 {
        let other = api.platform.merchant(&format!("broken{number}"));
        api.platform.set_settings(&other, r#"{"payout_schedule": {"interval": "daily"}}"#);
        let sql = "INSERT INTO ledger_accounts (owner, livemode, currency, kind, day, balance) \
                   VALUES (?1, 0, 'xyz', 'available', 1, -5)";
        api.platform.database().query(sql, store::values![other.account.as_str()]);
    }
    pay(&api, "2000");
    api.platform.advance(DAY);
    let now = flows::Platform::now(&api.platform);
    for _ in 0..4 {
        api.beat();
    }
    assert_eq!(payouts(&api).len(), 1);
    assert!(kit::run(api::beat(&api.platform)) > now, "the heartbeat rests");
}

#[test]
fn forints_are_charged_in_hundredths_and_paid_out_whole() {
    let api = Api::new();
    for currency in ["huf", "twd"] {
        let form = [("amount", "200050"), ("currency", currency), ("source", "tok_visa")];
        api.post("/v1/charges", &form).ok();
        days_pass(&api, 2);
        let out = |amount| api.post("/v1/payouts", &[("amount", amount), ("currency", currency)]);
        let refused = out("1050");
        assert_eq!(refused.error(400)["code"], "parameter_invalid_integer");
        let message = refused.error(400)["message"].as_str().unwrap_or_default();
        assert!(message.contains("multiple of 100"), "{message}");
        out("1000").ok();
    }
    invariants::check_settled(&api.platform);
}

#[test]
fn a_scheduled_payout_of_forints_leaves_what_banks_do_not_take_for_the_next_one() {
    let api = scheduled(r#"{"interval": "daily", "delay_days": 0}"#);
    let charge = |amount| {
        let form = [("amount", amount), ("currency", "huf"), ("source", "tok_visa")];
        api.post("/v1/charges", &form).ok();
    };
    let amounts = || {
        let amounts = payouts(&api).into_iter();
        amounts.map(|payout| payout["amount"].as_i64().expect("an amount")).collect::<Vec<_>>()
    };
    let forints = || {
        let balance = api.get("/v1/balance").ok().body["available"].clone();
        let all = balance.as_array().expect("a list").iter();
        all.filter(|funds| funds["currency"] == "huf").map(|funds| funds["amount"].clone()).next()
    };
    // 2.9 % of it are 510.00, so that 17076.15 are left.
    charge("1758615");
    days_pass(&api, 1);
    assert_eq!((amounts(), forints()), (vec![1_707_600], Some(json!(15))));
    // Nothing whole is there to be paid out.
    days_pass(&api, 1);
    assert_eq!((amounts(), forints()), (vec![1_707_600], Some(json!(15))));
    charge("1758615");
    days_pass(&api, 1);
    assert_eq!((amounts(), forints()), (vec![1_707_600, 1_707_600], Some(json!(30))));
    assert_reconciled(&api);
    let newest = payouts(&api)[0]["id"].as_str().expect("an id").to_owned();
    let carried = api.get(&format!("/v1/balance_transactions?payout={newest}")).ok();
    let kinds: Vec<_> = carried.body["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["type"].clone(), one["net"].clone()))
        .collect();
    let named = |kind: &str, net: i64| (json!(kind), json!(net));
    let expected = [
        named("payout_minimum_balance_hold", -30),
        named("charge", 1_707_615),
        named("payout_minimum_balance_release", 15),
    ];
    assert_eq!(kinds, expected);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}
