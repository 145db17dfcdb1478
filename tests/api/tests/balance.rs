//! The balance and its transactions: what a payment costs, when it is available, what is given back.

use api::funds::pay_with;
use api::{Api, Form, invariants};
use domain::api_key::Access;
use serde_json::{Value, json};

const DAY: i64 = 86_400;

const PAY: Form<'_> = &[
    ("amount", "2000"),
    ("currency", "usd"),
    ("payment_method", "pm_card_visa"),
    ("payment_method_types[]", "card"),
    ("confirm", "true"),
];

/// What there is in dollars: available, and pending.
fn dollars(api: &Api) -> (i64, i64) {
    let balance = api.get("/v1/balance").ok();
    let of = |kind: &str| {
        let funds = balance.body[kind].as_array().expect("a list");
        let dollars: Vec<_> = funds.iter().filter(|funds| funds["currency"] == "usd").collect();
        assert_eq!(dollars.len(), 1, "{kind}");
        assert_eq!(dollars[0]["amount"], dollars[0]["source_types"]["card"]);
        dollars[0]["amount"].as_i64().expect("an amount")
    };
    (of("available"), of("pending"))
}

fn charge_of(intent: &Value) -> String {
    intent["latest_charge"].as_str().expect("a charge").to_owned()
}

fn transaction(api: &Api, id: &Value) -> Value {
    let path = format!("/v1/balance_transactions/{}", id.as_str().expect("an id"));
    api.get(&path).ok().body
}

/// Lets the heartbeat do what a new day brings.
fn days_pass(api: &Api, days: i64) {
    api.platform.advance(days * DAY);
    api.beat();
}

#[test]
fn a_payment_is_pending_less_its_fee_and_available_two_days_later() {
    let api = Api::new();
    assert_eq!(dollars(&api), (0, 0));
    let intent = api.post("/v1/payment_intents", PAY).ok();
    // 2.9 % of 20 dollars and 30 cents.
    assert_eq!(dollars(&api), (0, 1912));
    let charge = api.get(&format!("/v1/charges/{}", charge_of(&intent.body))).ok();
    let seen = transaction(&api, &charge.body["balance_transaction"]);
    assert_eq!(seen["amount"], 2000);
    assert_eq!((&seen["fee"], &seen["net"]), (&json!(88), &json!(1912)));
    assert_eq!((&seen["type"], &seen["status"]), (&json!("charge"), &json!("pending")));
    assert_eq!(seen["source"], *charge.id());
    assert_eq!(
        seen["fee_details"],
        json!([{
            "amount": 88, "application": null, "currency": "usd",
            "description": "Processing fees", "type": "stripe_fee",
        }])
    );
    let available_on = seen["available_on"].as_i64().expect("a date");
    assert_eq!(available_on % DAY, 0);
    let now = flows::Platform::now(&api.platform).seconds();
    api.platform.advance(available_on - now - 1);
    assert_eq!(dollars(&api), (0, 1912));
    // A balance and its transactions agree at every moment, whether or not the books were moved yet.
    api.platform.advance(1);
    assert_eq!(dollars(&api), (1912, 0));
    assert_eq!(transaction(&api, &charge.body["balance_transaction"])["status"], "available");
    api.beat();
    assert_eq!(dollars(&api), (1912, 0));
    invariants::check_settled(&api.platform);
}

#[test]
fn the_simulators_clearing_accounts_drain() {
    let api = Api::new();
    for _ in 0..3 {
        let intent = api.post("/v1/payment_intents", PAY).ok();
        api.post("/v1/refunds", &[("payment_intent", intent.id()), ("amount", "500")]).ok();
        days_pass(&api, 1);
    }
    let owed = "SELECT sum(amount) AS sum FROM ledger_entries WHERE kind = 'clearing'";
    let sum = |sql| api.platform.database().query(sql, vec![])[0].integer("sum").expect("a sum");
    assert_ne!(sum(owed), 0);
    days_pass(&api, 2);
    assert_eq!(sum(owed), 0);
    let cash = "SELECT sum(amount) AS sum FROM ledger_entries WHERE kind = 'cash'";
    assert_eq!(sum(cash), 3 * 1500);
    invariants::check_settled(&api.platform);
}

#[test]
fn what_is_held_moves_no_balance_until_it_is_taken() {
    let api = Api::new();
    let held = [PAY, &[("capture_method", "manual")]].concat();
    let intent = api.post("/v1/payment_intents", &held).ok();
    assert_eq!(dollars(&api), (0, 0));
    let charge = format!("/v1/charges/{}", charge_of(&intent.body));
    assert_eq!(api.get(&charge).ok().body["balance_transaction"], Value::Null);
    let capture = format!("/v1/payment_intents/{}/capture", intent.id());
    api.post(&capture, &[("amount_to_capture", "1000")]).ok();
    // Only what was taken is priced, in one transaction.
    assert_eq!(dollars(&api), (0, 941));
    let listed = api.get(&format!("/v1/balance_transactions?source={}", charge_of(&intent.body)));
    assert_eq!(listed.ok().body["data"].as_array().map(Vec::len), Some(1));
    let canceled = api.post("/v1/payment_intents", &held).ok();
    api.post(&format!("/v1/payment_intents/{}/cancel", canceled.id()), &[]).ok();
    assert_eq!(dollars(&api), (0, 941));
    invariants::check_settled(&api.platform);
}

#[test]
fn a_refund_takes_from_where_its_charge_went_and_the_fee_stays() {
    let api = Api::new();
    let intent = api.post("/v1/payment_intents", PAY).ok();
    let refund =
        api.post("/v1/refunds", &[("payment_intent", intent.id()), ("amount", "500")]).ok();
    assert_eq!(dollars(&api), (0, 1412));
    let seen = transaction(&api, &refund.body["balance_transaction"]);
    assert_eq!((&seen["amount"], &seen["fee"]), (&json!(-500), &json!(0)));
    assert_eq!((&seen["type"], &seen["net"]), (&json!("refund"), &json!(-500)));
    assert_eq!(seen["source"], *refund.id());
    days_pass(&api, 3);
    assert_eq!(dollars(&api), (1412, 0));
    // Later it is taken from what is available, at once; what is not there is owed.
    api.post("/v1/refunds", &[("payment_intent", intent.id())]).ok();
    assert_eq!(dollars(&api), (-88, 0));
    invariants::check_settled(&api.platform);
}

#[test]
fn a_refund_that_comes_back_is_on_the_balance_again() {
    let api = Api::new();
    let form = [PAY, &[("payment_method", "pm_card_refundFail")]].concat();
    let form: Vec<_> = form.into_iter().filter(|pair| pair.1 != "pm_card_visa").collect();
    let intent = api.post("/v1/payment_intents", &form).ok();
    let refund = api.post("/v1/refunds", &[("payment_intent", intent.id())]).ok();
    assert_eq!(dollars(&api), (0, -88));
    api.platform.advance(5);
    api.beat();
    assert_eq!(dollars(&api), (0, 1912));
    let failed = api.get(&format!("/v1/refunds/{}", refund.id())).ok();
    let seen = transaction(&api, &failed.body["failure_balance_transaction"]);
    assert_eq!((&seen["type"], &seen["amount"]), (&json!("refund_failure"), &json!(2000)));
    invariants::check_settled(&api.platform);
}

#[test]
fn an_application_fee_is_a_part_of_the_fee() {
    let api = Api::new();
    let form = [PAY, &[("application_fee_amount", "200")]].concat();
    let intent = api.post("/v1/payment_intents", &form).ok();
    let path =
        format!("/v1/charges/{}?expand[]=balance_transaction.source", charge_of(&intent.body));
    let charge = api.get(&path).ok();
    let seen = &charge.body["balance_transaction"];
    assert_eq!((&seen["fee"], &seen["net"]), (&json!(288), &json!(1712)));
    assert_eq!(seen["fee_details"][1]["type"], "application_fee");
    assert_eq!(seen["source"]["id"], charge.body["id"]);
    assert_eq!(dollars(&api), (0, 1712));
    invariants::check_settled(&api.platform);
}

#[test]
fn transactions_are_listed_by_what_they_are() {
    let api = Api::new();
    let intent = api.post("/v1/payment_intents", PAY).ok();
    let refund = api.post("/v1/refunds", &[("payment_intent", intent.id())]).ok();
    let yen = [
        ("amount", "5000"),
        ("currency", "jpy"),
        ("payment_method", "pm_card_visa"),
        ("payment_method_types[]", "card"),
        ("confirm", "true"),
    ];
    api.post("/v1/payment_intents", &yen).ok();
    let count = |query: &str| {
        let listed = api.get(&format!("/v1/balance_transactions{query}")).ok();
        listed.body["data"].as_array().expect("a list").len()
    };
    let source = |id: &str| format!("?source={id}");
    assert_eq!(count(""), 3);
    assert_eq!(count("?type=charge"), 2);
    assert_eq!(count("?type=refund"), 1);
    assert_eq!(count("?type=payout"), 0);
    assert_eq!(count("?type=nonsense"), 0);
    assert_eq!(count("?currency=jpy"), 1);
    assert_eq!(count("?currency=usd&type=charge"), 1);
    assert_eq!(count(&source(refund.id())), 1);
    assert_eq!(count(&(source(&charge_of(&intent.body)) + "&type=charge")), 1);
    assert_eq!(count(&(source(&charge_of(&intent.body)) + "&type=refund")), 0);
    assert_eq!(count("?limit=1"), 1);
    let missing = api.get("/v1/balance_transactions/txn_none");
    assert_eq!(missing.error(404)["code"], "resource_missing");
    api.get("/v1/balance_transactions?currency=xyz").error(400);
}

#[test]
fn currencies_are_kept_apart_and_zero_decimal_ones_are_whole() {
    let api = Api::new();
    for (amount, currency) in [("5000", "jpy"), ("5000", "kwd"), ("2000", "usd")] {
        let form = [
            ("amount", amount),
            ("currency", currency),
            ("payment_method", "pm_card_visa"),
            ("payment_method_types[]", "card"),
            ("confirm", "true"),
        ];
        api.post("/v1/payment_intents", &form).ok();
    }
    let balance = api.get("/v1/balance").ok();
    let pending: Vec<_> = balance.body["pending"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|funds| (funds["currency"].as_str().expect("a code"), funds["amount"].as_i64()))
        .collect();
    // 2.9 % each, of dinars in tens; a fixed part is only named for dollars.
    assert_eq!(pending, [("jpy", Some(4855)), ("kwd", Some(4850)), ("usd", Some(1912))]);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_restricted_key_sees_no_source_that_it_may_not_read() {
    let api = Api::new();
    let merchant = api.merchant.clone();
    api.post("/v1/payment_intents", PAY).ok();
    let key = |names: &[&str]| {
        let rights = names.iter().map(|name| ((*name).to_owned(), Access::Read)).collect();
        api.platform.restricted_key(&merchant, false, &rights)
    };
    let target = "/v1/balance_transactions?expand[]=data.source";
    let get =
        |key: &str, target| kit::run(api.send(http::Method::GET, target, Vec::new(), key, None));
    let few = key(&["balance_transaction"]);
    get(&few, "/v1/balance_transactions").ok();
    get(&few, target).error(403);
    let all =
        key(&["balance_transaction", "charge", "dispute", "payout", "refund", "topup", "transfer"]);
    assert_eq!(get(&all, target).ok().text_at("/data/0/source/object"), "charge");
}

#[test]
fn one_account_that_cannot_be_read_keeps_nobody_from_the_rest() {
    let api = Api::new();
    api.post("/v1/payment_intents", PAY).ok();
    let database = api.platform.database();
    let broken = "INSERT INTO ledger_accounts (owner, livemode, currency, kind, day, balance) \
                  VALUES ('acct_0', 0, 'xyz', 'pending', 1, -5)";
    database.query(broken, vec![]);
    days_pass(&api, 3);
    assert_eq!(dollars(&api), (1912, 0));
    let pending = "SELECT owner FROM ledger_accounts WHERE kind = 'pending' AND owner <> 'acct_0'";
    assert!(database.query(pending, vec![]).is_empty());
    assert!(!api.platform.errors().is_empty(), "operators are told");
}

/// The balances that merchants were told of when money became available.
fn told_available(api: &Api) -> Vec<Value> {
    let listed = api.get("/v1/events?type=balance.available").ok();
    let events = listed.body["data"].as_array().expect("a list").clone();
    events.into_iter().map(|event| event["data"]["object"].clone()).collect()
}

#[test]
fn a_merchant_is_told_once_of_all_that_a_day_makes_available() {
    let api = Api::new();
    for currency in ["usd", "usd", "eur", "jpy"] {
        let form = [&[("amount", "2000"), ("currency", currency)], &PAY[2..]].concat();
        api.post("/v1/payment_intents", &form).ok();
    }
    days_pass(&api, 1);
    assert!(told_available(&api).is_empty(), "nothing is available yet");
    days_pass(&api, 1);
    api.beat();
    assert_eq!(told_available(&api), [api.get("/v1/balance").ok().body]);
    days_pass(&api, 3);
    assert_eq!(told_available(&api).len(), 1);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn what_was_only_given_back_makes_nothing_available() {
    let api = Api::new();
    let intent = api.post("/v1/payment_intents", PAY).ok();
    api.platform.advance(DAY);
    api.post("/v1/refunds", &[("payment_intent", intent.id())]).ok();
    days_pass(&api, 2);
    assert_eq!(dollars(&api), (-88, 0));
    assert!(told_available(&api).is_empty());
}

#[test]
fn a_card_that_bypasses_pending_makes_its_money_available_at_once() {
    for card in ["pm_card_bypassPending", "pm_card_bypassPendingInternational"] {
        let api = Api::watched();
        for _ in 0..3 {
            let intent = pay_with(&api, card, "2000");
            let charge = api.get(&format!("/v1/charges/{}", charge_of(&intent.body))).ok();
            let seen = transaction(&api, &charge.body["balance_transaction"]);
            assert_eq!(seen["status"], "available");
        }
        assert_eq!(dollars(&api), (3 * 1912, 0));
        let now = flows::Platform::now(&api.platform);
        assert!(api.platform.wakes().contains(&now), "the books are moved soon");
        api.beat();
        let told = told_available(&api);
        assert_eq!(told.len(), 1, "one for all three: {told:#?}");
        assert_eq!(told[0], api.get("/v1/balance").ok().body);
        invariants::check_settled(&api.platform);
        invariants::check_quiet(&api.platform);
    }
}

#[test]
fn money_that_is_paid_out_before_the_books_were_moved_is_told_of_all_the_same() {
    let api = Api::watched();
    for _ in 0..3 {
        pay_with(&api, "pm_card_bypassPending", "2000");
        api.post("/v1/payouts", &[("amount", "1912"), ("currency", "usd")]).ok();
    }
    assert_eq!(dollars(&api), (0, 0));
    assert_eq!(told_available(&api).len(), 3);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

/// Rows in number that no look can read, among them all that a look takes at once and more.
fn unreadable(api: &Api, owner: &str, kind: &str) {
    let sql = "INSERT INTO ledger_accounts (owner, livemode, currency, kind, day, balance) \
               SELECT ?1, 0, 'xyz', ?2, value, -5 FROM json_each(?3)";
    let days: Vec<_> = (1..=60).collect();
    api.platform.database().query(sql, store::values![owner, kind, json!(days).to_string()]);
}

#[test]
fn many_accounts_that_cannot_be_read_neither_hold_up_the_rest_nor_the_heartbeat() {
    let api = Api::new();
    api.post("/v1/payment_intents", PAY).ok();
    unreadable(&api, "acct_0", "pending");
    unreadable(&api, "simulator", "clearing");
    api.platform.advance(3 * DAY);
    let now = flows::Platform::now(&api.platform);
    for _ in 0..4 {
        api.beat();
    }
    assert_eq!(dollars(&api), (1912, 0));
    let database = api.platform.database();
    let sql = "SELECT owner FROM ledger_accounts WHERE kind IN ('pending', 'clearing') \
               AND currency <> 'xyz'";
    assert!(database.query(sql, vec![]).is_empty(), "all that can be read is moved");
    assert!(kit::run(api::beat(&api.platform)) > now, "the heartbeat rests");
    let told = api.platform.errors().len();
    api.beat();
    assert_eq!(api.platform.errors().len(), told, "operators are not told every moment");
    api.platform.advance(3_600);
    api.beat();
    assert!(api.platform.errors().len() > told, "and what can be read again is found");
}

#[test]
fn what_can_be_paid_out_at_once_is_shown_as_such() {
    let api = Api::new();
    let shown = || api.get("/v1/balance").ok().body["instant_available"].clone();
    api.post("/v1/payment_intents", PAY).ok();
    assert_eq!(shown()[0]["amount"], 0);
    days_pass(&api, 2);
    let dollars = json!({"amount": 1912, "currency": "usd", "source_types": {"card": 1912}});
    assert_eq!(shown(), json!([dollars]));
    let instant = [("amount", "1912"), ("currency", "usd"), ("method", "instant")];
    api.post("/v1/payouts", &instant).ok();
    assert_eq!(shown()[0]["amount"], 0);
    let charge = api.get("/v1/charges").ok().text_at("/data/0/id").to_owned();
    api.post("/v1/refunds", &[("charge", &charge), ("amount", "100")]).ok();
    assert_eq!((dollars_shown(&api), &shown()[0]["amount"]), (-100, &json!(0)));
    let live = api.platform.key(&api.merchant, domain::api_key::Kind::Secret, true);
    let balance = api.send(http::Method::GET, "/v1/balance", Vec::new(), &live, None);
    assert_eq!(kit::run(balance).ok().body["instant_available"], json!([]), "there is no rail");
}

fn dollars_shown(api: &Api) -> i64 {
    dollars(api).0
}

#[test]
fn a_fee_leaves_an_amount_that_its_currency_can_pay_out() {
    let api = Api::new();
    for (currency, amount, net) in
        [("isk", "12300", 11_900), ("ugx", "500", 500), ("kwd", "8860", 8_600), ("jpy", "517", 502)]
    {
        let form = [
            ("amount", amount),
            ("currency", currency),
            ("payment_method", "pm_card_visa"),
            ("payment_method_types[]", "card"),
            ("confirm", "true"),
        ];
        let paid = api.post("/v1/payment_intents", &form).ok();
        let charge = api.get(&format!("/v1/charges/{}", charge_of(&paid.body))).ok();
        let seen = transaction(&api, &charge.body["balance_transaction"]);
        assert_eq!(seen["net"], net, "{currency}");
    }
    days_pass(&api, 2);
    for (currency, all) in [("isk", "11900"), ("ugx", "500"), ("kwd", "8600"), ("jpy", "502")] {
        api.post("/v1/payouts", &[("amount", all), ("currency", currency)]).ok();
    }
    invariants::check_settled(&api.platform);
}

#[test]
fn an_application_fee_is_an_amount_of_its_currency() {
    let api = Api::new();
    let with = |fee| {
        let form = [("amount", "12300"), ("currency", "isk"), ("application_fee_amount", fee)];
        api.post("/v1/payment_intents", &form)
    };
    let refused = with("150");
    assert_eq!(refused.error(400)["param"], "application_fee_amount");
    assert_eq!(refused.error(400)["code"], "parameter_invalid_integer");
    with("200").ok();
}
