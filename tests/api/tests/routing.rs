//! Routing: which account a payment goes to, as its merchant's document says.

use api::processors::{PAY, Routed, VISA, card, latest, path};
use api::{Answer, Api, invariants};
use domain::api_key::Kind;
use http::Method;
use kit::Fault;
use serde_json::{Value, json};

const ROUTING: &str = "/v1/florin/routing";

fn publish(routed: &Routed, form: &[(&str, &str)]) -> Answer {
    routed.api.post(ROUTING, form)
}

/// Where the next payment goes.
fn goes_to(routed: &Routed, more: &[(&'static str, &'static str)]) -> usize {
    routed.api.platform.advance(1);
    routed.api.post(PAY, &card(VISA, more)).ok();
    *routed.paid_at().last().expect("a payment")
}

#[test]
fn without_a_document_payments_go_to_the_account_that_was_made_first() {
    let routed = Routed::new(2);
    assert_eq!(goes_to(&routed, &[]), 0);
    let attempt = &routed.api.platform.database().query("SELECT * FROM attempts", vec![])[0];
    assert_eq!(attempt.0["routing_version"], Value::Null);
    assert_eq!(routed.api.get(ROUTING).status, 404);
}

#[test]
fn the_first_rule_that_matches_decides_and_the_attempt_says_which() {
    let routed = Routed::new(3);
    let [first, second, third] = routed.accounts.as_slice() else { panic!("three accounts") };
    let form = [
        ("rules[0][name]", "large"),
        ("rules[0][when][currency][]", "usd"),
        ("rules[0][when][amount][min]", "5000"),
        ("rules[0][use][priority][]", second.as_str()),
        ("rules[1][name]", "gold"),
        ("rules[1][when][metadata][plan]", "gold"),
        ("rules[1][use][priority][]", third.as_str()),
        ("default[priority][]", first.as_str()),
    ];
    let published = publish(&routed, &form).ok();
    assert_eq!(
        (&published.body["version"], &published.body["max_attempts"]),
        (&1.into(), &2.into())
    );
    assert_eq!(goes_to(&routed, &[]), 0, "it counts at once where it was published");
    assert_eq!(routed.attempts()[0]["routing"]["rule"], Value::Null);
    assert_eq!(goes_to(&routed, &[("metadata[plan]", "gold")]), 2);
    let gold = &routed.attempts()[0]["routing"];
    assert_eq!(
        (&gold["rule"], &gold["version"], &gold["number"]),
        (&"gold".into(), &1.into(), &1.into())
    );
    let large = card(VISA, &[("metadata[plan]", "gold")]);
    let large = large
        .into_iter()
        .map(|(name, value)| (name, if name == "amount" { "5000" } else { value }));
    routed.api.platform.advance(1);
    routed.api.post(PAY, &large.collect::<Vec<_>>()).ok();
    assert_eq!(routed.paid_at().last(), Some(&1), "the rule before");
}

#[test]
fn a_rule_on_the_card_reads_the_one_that_a_customer_keeps() {
    let routed = Routed::new(2);
    let [first, second] = routed.accounts.as_slice() else { panic!("two accounts") };
    let form = [
        ("rules[0][name]", "saved visa"),
        ("rules[0][when][saved]", "true"),
        ("rules[0][when][card][brand][]", "visa"),
        ("rules[0][when][off_session]", "true"),
        ("rules[0][use][priority][]", second.as_str()),
        ("default[priority][]", first.as_str()),
    ];
    publish(&routed, &form).ok();
    let api = &routed.api;
    let customer = api.post("/v1/customers", &[]).ok();
    let method =
        api.post("/v1/payment_methods", &[("type", "card"), ("card[token]", "tok_visa")]).ok();
    let attach = format!("/v1/payment_methods/{}/attach", method.id());
    api.post(&attach, &[("customer", customer.id())]).ok();
    let pay = |off_session: &str| {
        api.platform.advance(1);
        let form = [
            ("amount", "2000"),
            ("currency", "usd"),
            ("customer", customer.id()),
            ("payment_method", method.id()),
            ("payment_method_types[]", "card"),
            ("confirm", "true"),
            ("off_session", off_session),
        ];
        api.post(PAY, &form).ok();
        *routed.paid_at().last().expect("a payment")
    };
    assert_eq!(pay("true"), 1);
    assert_eq!(pay("false"), 0);
    assert_eq!(goes_to(&routed, &[]), 0, "a card that nobody keeps");
}

#[test]
fn the_country_and_funding_of_a_card_that_its_processor_told_were_never_known() {
    let routed = Routed::new(2);
    let [first, second] = routed.accounts.as_slice() else { panic!("two accounts") };
    let form = [
        ("rules[0][name]", "german debit cards"),
        ("rules[0][when][card][country][]", "DE"),
        ("rules[0][when][card][funding][]", "debit"),
        ("rules[0][use][priority][]", second.as_str()),
        ("default[priority][]", first.as_str()),
    ];
    publish(&routed, &form).ok();
    let api = &routed.api;
    let customer = api.post("/v1/customers", &[]).ok();
    let kept = |attaches_before: bool| {
        // No card of test mode, of which everything is known.
        let form = [
            ("type", "card"),
            ("card[number]", "4111111111111111"),
            ("card[exp_month]", "12"),
            ("card[exp_year]", "2034"),
        ];
        let method = api.post("/v1/payment_methods", &form).ok().id().to_owned();
        if attaches_before {
            let attach = format!("/v1/payment_methods/{method}/attach");
            api.post(&attach, &[("customer", customer.id())]).ok();
        }
        method
    };
    let pay = |method: &str, more: &[(&str, &str)]| {
        api.platform.advance(1);
        let form = [
            ("amount", "2000"),
            ("currency", "usd"),
            ("customer", customer.id()),
            ("payment_method", method),
            ("payment_method_types[]", "card"),
            ("expand[]", "latest_charge"),
            ("confirm", "true"),
        ];
        let paid = api.post(PAY, &[form.as_slice(), more].concat()).ok();
        let shown = &paid.body["latest_charge"]["payment_method_details"]["card"];
        let told = (&shown["country"], &shown["funding"]);
        assert_eq!(told, (&"DE".into(), &"debit".into()), "{shown:#}");
        *routed.paid_at().last().expect("a payment")
    };
    // What is kept with the payment is written along with it, and what was kept before on its own.
    for (attaches_before, more) in
        [(true, [].as_slice()), (false, &[("setup_future_usage", "on_session")])]
    {
        let method = kept(attaches_before);
        assert_eq!((pay(&method, more), pay(&method, &[])), (0, 1), "{attaches_before}");
        let shown = api.get(&format!("/v1/payment_methods/{method}")).ok();
        let told = (&shown.body["card"]["country"], &shown.body["card"]["funding"]);
        assert_eq!(told, (&"DE".into(), &"debit".into()), "{attaches_before}");
    }
    api::invariants::check(&api.platform);
}

#[test]
fn a_document_costs_a_payment_no_hop_and_no_statement() {
    let routed = Routed::new(2);
    let database = routed.api.platform.database();
    let cost = || {
        routed.api.get("/v1/balance").ok();
        let hops = database.hop().calls();
        database.take_counts();
        routed.api.post(PAY, &card(VISA, &[])).ok();
        let kit::Counts { batches, statements, .. } = database.take_counts();
        (database.hop().calls() - hops, batches, statements)
    };
    let before = cost();
    routed.prioritise(&[]);
    assert_eq!(cost(), before);
}

#[test]
fn what_is_published_stays_and_the_newest_counts() {
    let routed = Routed::new(2);
    let api = &routed.api;
    let first = routed.prioritise(&[("max_attempts", "3"), ("replaces", "0")]);
    let again = [("default[priority][]", routed.accounts[1].as_str()), ("replaces", "0")];
    let refused = publish(&routed, &again);
    assert!(refused.error(400)["message"].as_str().is_some_and(|text| text.contains("Version 1")));
    let again = [again[0], ("replaces", "1"), ("step_up", "false")];
    let second = publish(&routed, &again).ok();
    assert_eq!(second.body["version"], 2);
    assert_eq!(api.get(ROUTING).ok().body, second.body);
    assert_eq!(api.get(&format!("{ROUTING}/versions/{}", first.id())).ok().body, first.body);
    let list = api.get(&format!("{ROUTING}/versions?limit=1")).ok();
    assert_eq!((&list.body["data"][0], &list.body["has_more"]), (&second.body, &true.into()));
    for missing in ["rtg_none", "1", "x"] {
        assert_eq!(api.get(&format!("{ROUTING}/versions/{missing}")).status, 404, "{missing}");
    }
    assert_eq!(goes_to(&routed, &[]), 1);
    let refused = "UPDATE routings SET document = '{}'";
    let statement = store::Statement::new(refused, vec![]);
    let database: &kit::Database = api.platform.database();
    assert!(kit::run(store::Database::batch(database, vec![statement])).is_err());
}

#[test]
fn a_document_that_cannot_be_right_is_refused_and_leaves_no_version() {
    let routed = Routed::new(1);
    let api = &routed.api;
    let own = routed.accounts[0].as_str();
    let live = api.platform.key(&api.merchant, Kind::Secret, true);
    let form = [("connector", "stripe"), ("secret_key", "sk_live_51example")];
    let live = kit::run(api.posting_as(&live, "/v1/florin/connector_accounts", &form, None)).ok();
    let default = ("default[priority][0]", own);
    let cases: [(&[(&str, &str)], &str); 9] = [
        (&[], "default"),
        (&[("default[priority][0]", "cna_none")], "default"),
        (&[("default[priority][0]", live.id())], "default"),
        (&[default, ("default[priority][1]", own)], "default"),
        (
            &[
                default,
                ("default[split][0][connector_account]", own),
                ("default[split][0][weight]", "1"),
            ],
            "default",
        ),
        (&[default, ("max_attempts", "4")], "max_attempts"),
        (
            &[
                default,
                ("rules[0][name]", "one"),
                ("rules[0][use][priority][]", own),
                ("rules[0][wen]", "x"),
            ],
            "rules[0][wen]",
        ),
        (
            &[("default[split][0][connector_account]", own), ("default[split][0][weight]", "1.5")],
            "default[split][0][weight]",
        ),
        (
            &[
                default,
                ("rules[0][name]", "one"),
                ("rules[0][use][priority][]", own),
                ("rules[0][when][currency][]", "EUR!"),
            ],
            "rules[0][when][currency][0]",
        ),
    ];
    for (form, param) in cases {
        let refused = publish(&routed, form);
        assert!((400..=404).contains(&refused.status), "{form:?}: {:#}", refused.body);
        assert_eq!(refused.body["error"]["param"], param, "{form:?}: {:#}", refused.body);
    }
    assert_eq!(api.get(ROUTING).status, 404);
}

#[test]
fn accounts_that_take_no_payments_are_passed_over_and_where_none_is_left_it_is_refused() {
    let routed = Routed::new(2);
    routed.prioritise(&[]);
    let api = &routed.api;
    let disable = |place: usize| {
        let path = format!("/v1/florin/connector_accounts/{}", routed.accounts[place]);
        api.post(&path, &[("disabled", "true")]).ok();
    };
    disable(0);
    assert_eq!(goes_to(&routed, &[]), 1);
    disable(1);
    let refused = api.post(PAY, &card(VISA, &[]));
    let message = refused.error(400)["message"].as_str().expect("a message").to_owned();
    assert!(message.contains("none is active"), "{message}");
    assert_eq!(routed.paid_at().len(), 1, "and nothing goes to the simulator");
}

#[test]
fn a_dry_run_explains_its_choice_step_by_step_and_makes_nothing() {
    let routed = Routed::new(2);
    let [first, second] = routed.accounts.as_slice() else { panic!("two accounts") };
    let form = [
        ("rules[0][name]", "europe"),
        ("rules[0][when][card][country][]", "DE"),
        ("rules[0][use][priority][]", second.as_str()),
        ("rules[1][name]", "half"),
        ("rules[1][when][currency][]", "usd"),
        ("rules[1][use][split][0][connector_account]", first.as_str()),
        ("rules[1][use][split][0][weight]", "1"),
        ("rules[1][use][split][1][connector_account]", second.as_str()),
        ("rules[1][use][split][1][weight]", "1"),
        ("default[priority][]", first.as_str()),
    ];
    publish(&routed, &form).ok();
    let dry_run = |more: &[(&str, &str)]| {
        let fixed = [("amount", "2000"), ("currency", "usd")];
        routed.api.post(&format!("{ROUTING}/dry_run"), &[fixed.as_slice(), more].concat()).ok().body
    };
    let told = dry_run(&[("card[country]", "FR")]);
    assert_eq!(told["rule"], "half");
    assert_eq!(
        told["steps"],
        json!([
            { "rule": "europe", "matches": false, "mismatch": "The payment's card country is FR." },
            { "rule": "half", "matches": true, "mismatch": null },
        ])
    );
    assert_eq!(told["accounts"].as_array().map(Vec::len), Some(2));
    assert_eq!(told["accounts"][0]["health"], "closed");
    assert_eq!(
        dry_run(&[("card[country]", "DE")])["accounts"][0]["connector_account"],
        json!(second)
    );
    let rows = routed.api.platform.database().query("SELECT id FROM attempts", vec![]);
    assert!(rows.is_empty());
    // A payment goes where the dry run of its id says.
    for _ in 0..5 {
        let went = goes_to(&routed, &[]);
        let id = latest(&routed.api).id().to_owned();
        let told = dry_run(&[("payment", &id), ("card[country]", "US"), ("card[brand]", "visa")]);
        assert_eq!(told["accounts"][0]["connector_account"], json!(routed.accounts[went]));
    }
    assert_eq!(
        routed
            .api
            .post(
                &format!("{ROUTING}/dry_run"),
                &[("amount", "2000"), ("currency", "usd"), ("routing", "rtg_none")]
            )
            .status,
        404
    );
}

#[test]
fn a_publication_whose_answer_was_lost_is_found_by_its_retry() {
    for nth in 1..=3 {
        for fault in [Fault::BeforeEffect, Fault::AfterEffect] {
            let routed = Routed::new(1);
            let api = &routed.api;
            let form = [("default[priority][]", routed.accounts[0].as_str()), ("replaces", "0")];
            api.platform.database().hop().fail(nth, fault);
            let first = api.post_once(ROUTING, &form, "key-1");
            if first.status == 200 {
                api.platform.database().hop().heal();
            }
            api.platform.advance(1);
            let again = api.post_once(ROUTING, &form, "key-1").ok();
            assert_eq!(again.body["version"], 1, "{nth} {fault:?}");
            let rows = api.platform.database().query("SELECT id FROM routings", vec![]);
            assert_eq!(rows.len(), 1, "{nth} {fault:?}");
        }
    }
}

#[test]
fn publications_at_the_same_time_become_versions_one_after_the_other() {
    for seed in 0..20 {
        let routed = Routed::new(2);
        let api = &routed.api;
        api.platform.yields(true);
        let publish = |place: usize| -> std::pin::Pin<Box<dyn Future<Output = Answer> + '_>> {
            let account = routed.accounts[place].clone();
            Box::pin(async move {
                api.posting(ROUTING, &[("default[priority][]", account.as_str())], None).await
            })
        };
        let answers = kit::interleave(seed, vec![publish(0), publish(1), publish(0)]);
        api.platform.yields(false);
        let mut versions: Vec<_> =
            answers.into_iter().map(|answer| answer.ok().body["version"].as_i64()).collect();
        versions.sort_unstable();
        assert_eq!(versions, [Some(1), Some(2), Some(3)], "{seed}");
    }
}

#[test]
fn a_restricted_key_needs_the_right_to_routing() {
    let api = Api::new();
    let rights = [("routing".to_owned(), domain::api_key::Access::Read)].into();
    let key = api.platform.restricted_key(&api.merchant, false, &rights);
    let read = kit::run(api.send(Method::GET, ROUTING, Vec::new(), &key, None));
    assert_eq!(read.status, 404, "{:#}", read.body);
    let written =
        kit::run(api.posting_as(&key, ROUTING, &[("default[priority][]", "cna_1")], None));
    assert_eq!(written.status, 403, "{:#}", written.body);
}

#[test]
fn a_routing_of_a_later_version_took_down_everything_else() {
    let routed = Routed::new(1);
    let api = &routed.api;
    routed.prioritise(&[]);
    api.platform.advance(6);
    let held = api.post(PAY, &card(VISA, &[("capture_method", "manual")])).ok();
    let paid = api.post(PAY, &card(VISA, &[])).ok();
    let later = "INSERT INTO routings (id, account, livemode, created, version, document) \
         SELECT 'rtg_later', account, livemode, created, 2, '{\"later\":true}' FROM routings";
    api.platform.database().query(later, vec![]);
    api.platform.advance(6);
    let refused = api.post(PAY, &card(VISA, &[]));
    let message = refused.text_at("/error/message").to_owned();
    assert!(message.starts_with("Version 2 of your routing was published by"), "{message}");
    assert_eq!(routed.paid_at().len(), 2, "it goes nowhere");
    assert_eq!(api.post(&(path(&held) + "/capture"), &[]).ok().body["status"], "succeeded");
    api.post("/v1/refunds", &[("payment_intent", paid.id())]).ok();
    api.get("/v1/balance").ok();
    assert_eq!(routed.prioritise(&[("replaces", "2")]).body["version"], 3);
    api.platform.advance(6);
    assert_eq!(api.post(PAY, &card(VISA, &[])).ok().body["status"], "succeeded");
    invariants::check(&api.platform);
}

#[test]
fn a_dry_run_in_live_mode_claimed_a_match_that_no_payment_makes() {
    let routed = Routed::new(1);
    let api = &routed.api;
    let key = api.platform.key(&api.merchant, Kind::Secret, true);
    let post = |path: &str, form: &[(&str, &str)]| kit::run(api.posting_as(&key, path, form, None));
    let form = [("connector", "stripe"), ("secret_key", "sk_live_51example")];
    let made = post("/v1/florin/connector_accounts", &form).ok();
    let form = [
        ("rules[0][name]", "american"),
        ("rules[0][when][card][country][]", "US"),
        ("rules[0][use][priority][0]", made.id()),
        ("rules[1][name]", "credit"),
        ("rules[1][when][card][funding][]", "credit"),
        ("rules[1][use][priority][0]", made.id()),
        ("default[priority][0]", made.id()),
    ];
    post(ROUTING, &form).ok();
    let form = [
        ("amount", "2000"),
        ("currency", "usd"),
        ("card[country]", "US"),
        ("card[funding]", "credit"),
    ];
    let told = post(&format!("{ROUTING}/dry_run"), &form).ok();
    assert_eq!(told.body["rule"], Value::Null, "{:#}", told.body);
    assert_eq!(told.text_at("/steps/0/mismatch"), "The payment's card country is unknown.");
    // A card that was paid with before may be known.
    let kept = [form.as_slice(), &[("saved", "true")]].concat();
    let told = post(&format!("{ROUTING}/dry_run"), &kept).ok();
    assert_eq!(told.body["rule"], "american", "{:#}", told.body);
}
