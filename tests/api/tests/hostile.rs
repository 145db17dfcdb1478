//! Bad input: whatever arrives, the answer is one of Stripe's errors and nothing happened.

use std::collections::BTreeMap;

use api::{Answer, Api, Form, hearing, invariants};
use handlers::endpoint::Method;
use handlers::routes::{Listed, endpoints};
use http::Request;
use kit::Processor;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

const CREATE: &str = "/v1/payment_intents";

const CONFIRMED: Form<'_> = &[
    ("amount", "2000"),
    ("currency", "usd"),
    ("payment_method", "pm_card_visa"),
    ("payment_method_types[]", "card"),
    ("confirm", "true"),
];

/// An answer that every client understands: a success, or an error with its type and sentence.
#[track_caller]
fn assert_clear(answer: &Answer) {
    assert!(answer.status < 500, "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.header("request-id").is_some());
    if answer.status >= 400 {
        for field in ["/error/type", "/error/message"] {
            assert!(!answer.text_at(field).is_empty(), "{}", answer.text);
        }
        assert!(answer.text.len() < 20_000, "an error echoes {} bytes", answer.text.len());
    }
}

/// Sends what must be refused, and looks whether something was written all the same.
#[track_caller]
fn refused(api: &Api, answer: impl FnOnce() -> Answer) -> Answer {
    api.get("/v1/account").ok();
    api.platform.database().take_counts();
    let answer = answer();
    assert_clear(&answer);
    assert!(answer.status >= 400, "{}", answer.text);
    assert_eq!(api.platform.database().take_counts().rows_written, 0, "{}", answer.text);
    answer
}

fn raw(api: &Api, path: &str, body: &[u8]) -> Answer {
    let key = &api.merchant.secret_key;
    kit::run(api.send(http::Method::POST, path, body.to_vec(), key, None))
}

/// An object of each kind, by the name of the part of a path that it fills.
fn examples(api: &Api) -> BTreeMap<&'static str, String> {
    // What is paid can be paid out at once.
    api.platform.set_settings(&api.merchant, r#"{"available_after_days": 0}"#);
    let customer = api.post("/v1/customers", &[("name", "Jo")]).ok();
    let method =
        api.post("/v1/payment_methods", &[("type", "card"), ("card[token]", "tok_visa")]).ok();
    let held = api.post(CREATE, &[CONFIRMED, &[("capture_method", "manual")]].concat()).ok();
    api.post(CREATE, CONFIRMED).ok();
    // It is disputed later, so that its dispute is found by it.
    let doubted = [("amount", "100"), ("currency", "usd"), ("source", "tok_visa_createDispute")];
    let charge = api.post("/v1/charges", &doubted).ok().id().to_owned();
    let refund = api.post("/v1/refunds", &[("charge", &charge), ("amount", "1")]).ok();
    let payout = api.post("/v1/payouts", &[("amount", "1"), ("currency", "usd")]).ok();
    let topup = api.post("/v1/topups", &[("amount", "100"), ("currency", "usd")]).ok();
    let connected = api.post("/v1/accounts", &[]).ok();
    let sent = [("amount", "100"), ("currency", "usd"), ("destination", connected.id())];
    let sent = api.post("/v1/transfers", &sent).ok();
    let reversal =
        api.post(&format!("/v1/transfers/{}/reversals", sent.id()), &[("amount", "1")]).ok();
    let report = [
        ("report_type", "ending_balance_reconciliation.summary.1"),
        ("parameters[interval_end]", "1767225600"),
    ];
    let run = api.post("/v1/reporting/report_runs", &report).ok();
    api.platform.advance(2);
    api.beat();
    let file = api.get("/v1/files").ok().text_at("/data/0/id").to_owned();
    let dispute = api.get("/v1/disputes").ok().text_at("/data/0/id").to_owned();
    let token = [
        ("card[number]", "4242424242424242"),
        ("card[exp_month]", "12"),
        ("card[exp_year]", "2034"),
    ];
    let token = api.post("/v1/tokens", &token).ok();
    let kept = api.post(
        "/v1/setup_intents",
        &[("customer", customer.id()), ("payment_method", "pm_card_visa"), ("confirm", "true")],
    );
    let kept = kept.ok();
    let connected = [
        ("connector", "stripe"),
        ("secret_key", "sk_test_51example"),
        ("webhook_secret", hearing::SECRET),
        ("disabled", "true"),
    ];
    let connector = api.post("/v1/florin/connector_accounts", &connected).ok();
    let hook = format!("/connectors/stripe/webhooks/{}", connector.id());
    let body = Processor::notice(
        "evt_1",
        "charge.updated",
        &serde_json::json!({ "object": "charge", "amount_refunded": 0 }),
    );
    hearing::deliver(api, &hook, &body);
    let heard = api.get("/v1/florin/connector_webhooks").ok();
    let routing = [("default[priority][]", connector.id())];
    let routing = api.post("/v1/florin/routing", &routing).ok();
    let strange = "balance_transaction_id,created,currency,gross,fee,net,reporting_category\n\
        txn_1,2026-01-01,usd,1.00,0,1.00,charge\n";
    let strange = [("connector_account", connector.id()), ("file", strange)];
    let reported = api.post("/v1/florin/settlement_reports", &strange).ok();
    api.platform.advance(1);
    api.beat();
    let found = api.get("/v1/florin/settlement_breaks").ok();
    let event = api.get("/v1/events").ok();
    let hooked = [("url", "https://shop.test/hooks"), ("enabled_events[]", "*")];
    let hooked = api.post("/v1/webhook_endpoints", &hooked).ok();
    api.post("/v1/customers", &[]).ok();
    api.deliver();
    let delivery = api.get("/v1/florin/webhook_deliveries").ok();
    let replay = [("webhook_endpoint", hooked.id()), ("dry_run", "true")];
    let replay = api.post("/v1/florin/event_replays", &replay).ok();
    let attempts = api.platform.database().query("SELECT id FROM attempts", vec![]);
    let attempt = attempts[0].text("id").expect("an id").to_owned();
    BTreeMap::from([
        ("account", api.merchant.account.as_str().to_owned()),
        ("charge", charge),
        ("connector_account", connector.id().to_owned()),
        ("connector_webhook", heard.text_at("/data/0/id").to_owned()),
        ("customer", customer.id().to_owned()),
        ("id", event.text_at("/data/0/id").to_owned()),
        ("intent", held.id().to_owned()),
        ("payment_attempt", attempt),
        ("payment_method", method.id().to_owned()),
        ("dispute", dispute),
        ("file", file),
        ("bank_account", payout.text_at("/destination").to_owned()),
        ("payout", payout.id().to_owned()),
        ("refund", refund.id().to_owned()),
        ("report_run", run.id().to_owned()),
        ("report_type", "balance.summary.1".to_owned()),
        ("setup_intent", kept.id().to_owned()),
        ("reversal", reversal.id().to_owned()),
        ("token", token.id().to_owned()),
        ("webhook_delivery", delivery.text_at("/data/0/id").to_owned()),
        ("webhook_endpoint", hooked.id().to_owned()),
        ("event_replay", replay.id().to_owned()),
        ("topup", topup.id().to_owned()),
        ("transfer", sent.id().to_owned()),
        ("routing", routing.id().to_owned()),
        ("settlement_break", found.text_at("/data/0/id").to_owned()),
        ("settlement_report", reported.id().to_owned()),
    ])
}

fn fill(path: &str, part: impl Fn(&str) -> String) -> String {
    path.split('{')
        .map(|piece| match piece.split_once('}') {
            Some((name, rest)) => part(name) + rest,
            None => piece.to_owned(),
        })
        .collect()
}

#[test]
fn amounts_out_of_their_bounds_are_refused() {
    let api = Api::new();
    let cases = [
        ("0", "usd", "parameter_invalid_integer"),
        ("-1", "usd", "parameter_invalid_integer"),
        ("-0", "usd", "parameter_invalid_integer"),
        ("10.5", "usd", "parameter_invalid_integer"),
        ("10.0", "usd", "parameter_invalid_integer"),
        ("1e3", "usd", "parameter_invalid_integer"),
        ("0x10", "usd", "parameter_invalid_integer"),
        ("1_000", "usd", "parameter_invalid_integer"),
        ("1,000", "usd", "parameter_invalid_integer"),
        (" 1000", "usd", "parameter_invalid_integer"),
        ("NaN", "usd", "parameter_invalid_integer"),
        ("Infinity", "usd", "parameter_invalid_integer"),
        ("\u{0663}\u{0660}\u{0660}", "usd", "parameter_invalid_integer"),
        ("100000000", "usd", "amount_too_large"),
        ("9007199254740993", "usd", "amount_too_large"),
        ("9223372036854775807", "usd", "amount_too_large"),
        ("9223372036854775808", "usd", "parameter_invalid_integer"),
        ("-9223372036854775809", "usd", "parameter_invalid_integer"),
        ("99999999999999999999999999", "usd", "parameter_invalid_integer"),
        ("49", "usd", "amount_too_small"),
        ("29", "gbp", "amount_too_small"),
        ("49", "jpy", "amount_too_small"),
        ("100000000", "jpy", "amount_too_large"),
        ("1234", "kwd", "parameter_invalid_integer"),
        ("150", "isk", "parameter_invalid_integer"),
    ];
    for (amount, currency, code) in cases {
        for path in [CREATE, "/v1/charges"] {
            let form = [("amount", amount), ("currency", currency), ("source", "tok_visa")];
            let form = if path == CREATE { &form[..2] } else { &form[..] };
            let answer = refused(&api, || api.post(path, form));
            let error = answer.error(400);
            assert_eq!(error["code"], code, "{amount} {currency}: {}", answer.text);
            assert_eq!(error["param"], "amount", "{amount} {currency}");
        }
    }
    for (amount, currency) in
        [("50", "usd"), ("99999999", "usd"), ("50", "jpy"), ("99999999", "jpy"), ("1230", "kwd")]
    {
        let made = api.post(CREATE, &[("amount", amount), ("currency", currency)]).ok();
        assert_eq!(made.body["amount"].to_string(), amount);
        assert_eq!(made.body["currency"], currency);
    }
    for currency in ["", "us", "usdd", "xxx", "usd ", "\u{440}\u{443}\u{431}", "'--", "<b>"] {
        let form = [("amount", "2000"), ("currency", currency)];
        let answer = refused(&api, || api.post(CREATE, &form));
        assert_eq!(answer.error(400)["param"], "currency", "{currency}");
    }
}

#[test]
fn amounts_of_captures_refunds_and_increments_are_bounded() {
    let api = Api::new();
    let options = [
        ("capture_method", "manual"),
        ("payment_method_options[card][request_incremental_authorization]", "if_available"),
    ];
    let held = api.post(CREATE, &[CONFIRMED, &options].concat()).ok();
    let paid = api.post(CREATE, CONFIRMED).ok();
    let (held, charge) = (format!("{CREATE}/{}", held.id()), paid.text_at("/latest_charge"));
    let wrong = ["0", "-1", "1.5", "", "abc", "9223372036854775807", "9223372036854775808"];
    for amount in wrong {
        let requests = [
            (format!("{held}/capture"), vec![("amount_to_capture", amount)]),
            (format!("{held}/increment_authorization"), vec![("amount", amount)]),
            ("/v1/refunds".to_owned(), vec![("charge", charge), ("amount", amount)]),
            (format!("/v1/charges/{charge}/refunds"), vec![("amount", amount)]),
        ];
        for (path, form) in requests {
            refused(&api, || api.post(&path, &form)).error(400);
        }
    }
    let requests = [
        (format!("{held}/capture"), vec![("amount_to_capture", "2001")]),
        (format!("{held}/increment_authorization"), vec![("amount", "2000")]),
        (format!("{held}/increment_authorization"), vec![("amount", "100000000")]),
        ("/v1/refunds".to_owned(), vec![("charge", charge), ("amount", "2001")]),
    ];
    for (path, form) in requests {
        refused(&api, || api.post(&path, &form)).error(400);
    }
    invariants::check_settled(&api.platform);
}

#[test]
fn a_part_that_its_currency_does_not_allow_is_neither_captured_nor_refunded() {
    for (currency, amount, part, allowed) in
        [("kwd", "1500", "1005", "1000"), ("isk", "1500", "550", "500")]
    {
        let api = Api::new();
        let mut form = CONFIRMED.to_vec();
        form.retain(|(name, _)| !matches!(*name, "amount" | "currency"));
        form.extend([("amount", amount), ("currency", currency)]);
        let held = || {
            let form = [&form[..], &[("capture_method", "manual")]].concat();
            api.post(CREATE, &form).ok()
        };
        let (by_intent, by_charge) = (held(), held());
        let legacy = [("amount", amount), ("currency", currency), ("source", "tok_visa")];
        let uncaptured = api.post("/v1/charges", &[&legacy[..], &[("capture", "false")]].concat());
        let charge_capture = |id: &str| format!("/v1/charges/{id}/capture");
        let requests = [
            (format!("{CREATE}/{}/capture", by_intent.id()), "amount_to_capture"),
            (charge_capture(by_charge.text_at("/latest_charge")), "amount"),
            (charge_capture(uncaptured.ok().id()), "amount"),
        ];
        for (path, param) in &requests {
            let answer = refused(&api, || api.post(path, &[(*param, part)]));
            assert_eq!(answer.error(400)["code"], "parameter_invalid_integer", "{path}");
            assert_eq!(answer.error(400)["param"], *param, "{path}");
            api.post(path, &[(*param, allowed)]).ok();
        }
        let charge = api.post("/v1/charges", &legacy).ok().id().to_owned();
        let refund = |amount| [("charge", charge.as_str()), ("amount", amount)];
        let answer = refused(&api, || api.post("/v1/refunds", &refund(part)));
        assert_eq!(answer.error(400)["code"], "parameter_invalid_integer", "{currency}");
        assert_eq!(answer.error(400)["param"], "amount", "{currency}");
        api.post("/v1/refunds", &refund(allowed)).ok();
        api.post("/v1/refunds", &[("charge", &charge)]).ok();
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn a_body_that_is_no_form_is_refused_by_every_endpoint() {
    let api = Api::new();
    let examples = examples(&api);
    let many: Vec<u8> =
        (0..10_000).flat_map(|n| format!("metadata[k{n}]=v&").into_bytes()).collect();
    let deep = format!("metadata{}=1", "[a]".repeat(1_000));
    let huge_name = format!("{}=1", "a".repeat(100_000));
    let huge_text = format!("description={}", "a".repeat(999_000));
    let huge_metadata = format!("metadata[a]={}", "\u{1f600}".repeat(501));
    let bodies: Vec<Vec<u8>> = vec![
        b"{\"amount\": 2000}".to_vec(),
        b"<xml/>".to_vec(),
        b"\xff\xfe".to_vec(),
        b"description=%ff".to_vec(),
        b"description=%e2%82".to_vec(),
        b"description=a%00b".to_vec(),
        b"descr%00iption=a".to_vec(),
        b"\0".to_vec(),
        b"=".to_vec(),
        b"=a".to_vec(),
        b"[a]=1".to_vec(),
        b"metadata[=1".to_vec(),
        b"metadata]=1".to_vec(),
        b"metadata[a]b=1".to_vec(),
        b"metadata[[a]]=1".to_vec(),
        b"metadata[a][b]=1".to_vec(),
        b"metadata[a]=1&metadata=2".to_vec(),
        b"metadata[]=1".to_vec(),
        b"expand=a".to_vec(),
        b"expand[a][b]=a".to_vec(),
        b"expand[]=a.b.c.d.e".to_vec(),
        b"nope=1".to_vec(),
        b"nope[a][]=1".to_vec(),
        b"constructor=1&__proto__[a]=1".to_vec(),
        many,
        deep.into_bytes(),
        huge_name.into_bytes(),
        huge_text.into_bytes(),
        huge_metadata.into_bytes(),
        vec![b'a'; 1_000_001],
        vec![b'&'; 1_000_001],
        vec![b'%'; 999_999],
    ];
    for endpoint in endpoints() {
        if endpoint.method != Method::Post {
            continue;
        }
        let path = fill(endpoint.path, |name| examples[name].clone());
        for body in &bodies {
            let answer = refused(&api, || raw(&api, &path, body));
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]);
            let status = if body.len() > 1_000_000 { 413 } else { 400 };
            assert_eq!(answer.status, status, "{endpoint:?} {shown}: {}", answer.text);
        }
    }
}

#[test]
fn every_text_comes_back_as_it_was_sent() {
    let api = Api::new();
    let texts = [
        "'; DROP TABLE payment_intents; --",
        "\" OR 1=1 --",
        "<script>alert(1)</script>",
        "</script><img src=x onerror=alert(1)>",
        "{{7*7}} ${7*7} <%= 7 %>",
        "%s%n%d %00 %25",
        "guard:attempt_state",
        "UNIQUE constraint failed",
        "a\r\nSet-Cookie: x=1",
        "\u{202e}\u{200b}\u{feff} \u{1f468}\u{200d}\u{1f469} \u{0301}",
        "\\u0000 \\x00 \\",
        "\t\u{1}\u{7f}\u{85}\u{2028}",
    ];
    for text in texts {
        let form = [
            ("amount", "2000"),
            ("currency", "usd"),
            ("description", text),
            ("metadata[text]", text),
            ("metadata[a'\"<b>]", text),
            ("shipping[name]", text),
            ("shipping[address][line1]", text),
            ("transfer_group", text),
        ];
        let made = api.post(CREATE, &form).ok();
        let path = format!("{CREATE}/{}", made.id());
        for shown in [made, api.get(&path).ok(), api.post(&path, &[("metadata[b]", text)]).ok()] {
            for pointer in [
                "/description",
                "/metadata/text",
                "/metadata/a'\"<b>",
                "/shipping/name",
                "/shipping/address/line1",
                "/transfer_group",
            ] {
                assert_eq!(shown.text_at(pointer), text, "{pointer}");
            }
        }
        let form = [("name", text), ("description", text), ("metadata[text]", text)];
        let customer = api.post("/v1/customers", &form).ok();
        let shown = api.get(&format!("/v1/customers/{}", customer.id())).ok();
        for pointer in ["/name", "/description", "/metadata/text"] {
            assert_eq!(shown.text_at(pointer), text, "{pointer}");
        }
        let form = [
            ("type", "card"),
            ("card[token]", "tok_visa"),
            ("billing_details[name]", text),
            ("billing_details[address][city]", text),
        ];
        let method = api.post("/v1/payment_methods", &form).ok();
        assert_eq!(method.text_at("/billing_details/name"), text);
        // As an id, or as anything else that is looked up, it names nothing.
        for (path, param) in [
            (CREATE, "customer"),
            (CREATE, "payment_method"),
            ("/v1/customers", "payment_method"),
            ("/v1/refunds", "charge"),
            ("/v1/refunds", "payment_intent"),
        ] {
            let form = match path {
                CREATE => vec![("amount", "2000"), ("currency", "usd"), (param, text)],
                _ => vec![(param, text)],
            };
            refused(&api, || api.post(path, &form)).error(400);
        }
    }
    invariants::check(&api.platform);
}

#[test]
fn paths_and_methods_that_nobody_serves_are_told_so() {
    let api = Api::new();
    let key = &api.merchant.secret_key;
    let ask = |method: &str, path: &str| {
        let method = method.parse().expect("a method");
        kit::run(api.send(method, path, Vec::new(), key, None))
    };
    let huge = format!("/v1/payment_intents/pi_{}", "a".repeat(8_000));
    for path in [
        "/v1",
        "/v1/",
        "/v2",
        "/v2/core/events",
        "/v1/nope",
        "/v1/payment_intents/",
        "/v1//payment_intents",
        "/v1/payment_intents/a/b/c/d",
        "/v1/../v1/payment_intents",
        "/v1/payment_intents/%2e%2e",
        "/v1/payment_intents/%00",
        "/v1/payment_intents/%ff",
        "/v1/payment_intents/{intent}",
        "/v1/payment_intents/*",
        "/v1/payment_intents/'%20OR%201=1--",
        "/v1/PAYMENT_INTENTS",
        &huge,
    ] {
        let answer = refused(&api, || ask("GET", path));
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
    }
    for method in ["PUT", "PATCH", "HEAD", "TRACE", "DELETE", "BREW"] {
        let answer = refused(&api, || ask(method, CREATE));
        assert_eq!(answer.status, 404, "{method}");
    }
    // Outside the API there are pages; none of these is one.
    for path in ["/", "/v1payment_intents", "/.env", "/challenges/", "/challenges/a/b"] {
        let answer = ask("GET", path);
        assert!((400..500).contains(&answer.status) || path == "/", "{path}: {}", answer.status);
    }
}

#[test]
fn a_parameter_in_the_query_of_a_post_is_heard() {
    let api = Api::new();
    let held = [CONFIRMED, &[("capture_method", "manual")]].concat();
    let held = api.post(CREATE, &held).ok();
    let path = format!("{CREATE}/{}/capture?amount_to_capture=500", held.id());
    assert_eq!(api.post(&path, &[]).ok().body["amount_received"], 500);
    let paid = api.post(CREATE, CONFIRMED).ok();
    let path = format!("/v1/charges/{}/refund?amount=500", paid.text_at("/latest_charge"));
    let refunded = api.post(&path, &[("metadata[a]", "b")]).ok();
    assert_eq!(refunded.body["amount_refunded"], 500, "beside a body, too");
    let unknown = refused(&api, || api.post("/v1/customers?nonsense=1", &[("name", "Jo")]));
    assert_eq!(unknown.error(400)["param"], "nonsense");
    let customer = api.post("/v1/customers", &[]).ok();
    let path = format!("/v1/customers/{}?nonsense=1", customer.id());
    let body = b"name=Jo".to_vec();
    let key = &api.merchant.secret_key;
    let unknown =
        refused(&api, || kit::run(api.send(http::Method::DELETE, &path, body.clone(), key, None)));
    assert_eq!(unknown.status, 400);
    invariants::check(&api.platform);
}

#[test]
fn a_version_that_is_none_is_refused_with_the_one_that_counts() {
    let api = Api::new();
    let request = Request::builder()
        .uri("https://florin.test/v1/account")
        .header("authorization", format!("Bearer {}", api.merchant.secret_key))
        .header("stripe-version", "latest")
        .body(Vec::new())
        .expect("a request");
    let answer = kit::run(api.answer(&request));
    answer.error(400);
    assert_eq!(answer.header("stripe-version"), Some(domain::event::API_VERSION));
}

#[test]
fn idempotency_keys_that_cannot_be_kept_are_refused_and_never_ignored() {
    let api = Api::new();
    let pay = |key: &[u8]| {
        let request = Request::post(format!("https://florin.test{CREATE}"))
            .header("authorization", format!("Bearer {}", api.merchant.secret_key))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("idempotency-key", key)
            .body(b"amount=2000&currency=usd".to_vec());
        kit::run(api.answer(&request.expect("a request")))
    };
    let long = "k".repeat(256);
    let huge = "k".repeat(100_000);
    for key in
        [b"".as_slice(), b" ", "\u{e4}".as_bytes(), b"\xff", long.as_bytes(), huge.as_bytes()]
    {
        let answer = refused(&api, || pay(key));
        assert_eq!(answer.error(400)["type"], "idempotency_error");
    }
    for key in ["k".repeat(255), "'; DROP TABLE records; --".to_owned(), "server:a".to_owned()] {
        let first = pay(key.as_bytes()).ok();
        assert_eq!(pay(key.as_bytes()).text, first.text);
    }
}

#[test]
fn headers_that_nobody_expects_do_no_harm() {
    let api = Api::new();
    let ask = |name: &str, value: &[u8]| {
        let request = Request::post(format!("https://florin.test{CREATE}"))
            .header("authorization", format!("Bearer {}", api.merchant.secret_key))
            .header(name, value)
            .body(b"amount=2000&currency=usd".to_vec());
        kit::run(api.answer(&request.expect("a request")))
    };
    let accepted: &[(&str, &[u8])] = &[
        ("stripe-version", b"2020-08-27"),
        ("stripe-account", b"acct_acme"),
        ("content-type", b"application/x-www-form-urlencoded; charset=utf-8"),
        ("x-stripe-client-user-agent", b"{not json"),
        ("user-agent", b"\xff\xfe"),
        ("accept", b"text/html"),
        ("cf-connecting-ip", b"not an address"),
        ("host", b"evil.test"),
    ];
    for (name, value) in accepted {
        let answer = ask(name, value);
        assert_clear(&answer);
        answer.ok();
    }
    let wrong: &[(&str, &[u8], u16)] = &[
        ("stripe-version", b"tomorrow", 400),
        ("stripe-version", &[b'9'; 10_000], 400),
        ("stripe-account", b"acct_other", 403),
        ("stripe-account", b"' OR 1=1", 403),
        ("content-type", b"application/json", 400),
        ("content-type", b"multipart/form-data; boundary=x", 400),
    ];
    for (name, value, status) in wrong {
        let answer = refused(&api, || ask(name, value));
        assert_eq!(answer.status, *status, "{name}");
    }
}

/// The names of parameters, each with the values that its description lists.
type Names = Vec<(String, Vec<String>)>;

/// The names and, where they are listed, the values of what an endpoint takes, by its description.
fn parameters(description: &Value, endpoint: &Listed) -> Names {
    let operation = &description["paths"][endpoint.path][endpoint.method.name().to_lowercase()];
    let mut found = Vec::new();
    let body = &operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"];
    collect("", body, &mut found);
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "query" {
            let name = parameter["name"].as_str().expect("a name");
            collect(name, &parameter["schema"], &mut found);
        }
    }
    found
}

fn collect(name: &str, schema: &Value, found: &mut Names) {
    for choice in ["anyOf", "oneOf", "allOf"] {
        for schema in schema[choice].as_array().into_iter().flatten() {
            collect(name, schema, found);
        }
    }
    if let Some(properties) = schema["properties"].as_object() {
        for (field, schema) in properties {
            let nested = match (name, field.strip_suffix("[]")) {
                ("", _) => field.clone(),
                (name, Some(list)) => format!("{name}[{list}][]"),
                (name, None) => format!("{name}[{field}]"),
            };
            collect(&nested, schema, found);
        }
    }
    if !name.is_empty() {
        let listed = schema["enum"].as_array().into_iter().flatten();
        let listed = listed.filter_map(|value| value.as_str().map(str::to_owned)).collect();
        found.push((name.to_owned(), listed));
    }
}

/// Values that break what is careless, or that mean something.
const VALUES: &[&str] = &[
    "",
    "0",
    "1",
    "-1",
    "50",
    "2000",
    "99999999",
    "100000000",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1.5",
    "1e9",
    "0x1F",
    " 1",
    "+5",
    "true",
    "false",
    "null",
    "undefined",
    "NaN",
    "[]",
    "{}",
    "usd",
    "jpy",
    "kwd",
    "zzz",
    "card",
    "tok_visa",
    "pm_card_visa",
    "pm_card_chargeDeclined",
    "pm_card_threeDSecureRequired",
    "tok_",
    "pm_",
    "cus_",
    "pi_x",
    "4242424242424242",
    "4242 4242 4242 4241",
    "12",
    "2034",
    "123",
    "jo@example.com",
    "@",
    "https://shop.test/back",
    "javascript:alert(1)",
    "http://",
    "manual",
    "automatic",
    "off_session",
    "' OR '1'='1",
    "<b>&amp;",
    "\u{1f4b8}",
    "\u{202e}abc",
    "a\nb",
    "customer",
    "payment_method.customer",
    "data.customer",
    "latest_charge",
    "created>0",
    "status:'succeeded' AND amount>5",
    "metadata['a']:'b'",
    "query:(",
    "amount:99999999999999999999",
    "balance.summary.1",
    "ending_balance_reconciliation.itemized.4",
    "payout_reconciliation.by_id.itemized.4",
    "1767225600",
    "Europe/Paris",
    "+01:00",
    "payment_metadata[order]",
];

#[test]
fn no_form_of_real_names_and_junk_breaks_an_endpoint() {
    let description = handlers::openapi::description();
    let api = Api::watched();
    let examples = examples(&api);
    let known: Vec<(Listed, Names)> =
        endpoints().into_iter().map(|e| (e, parameters(&description, &e))).collect();
    let named: usize = known.iter().map(|(_, names)| names.len()).sum();
    assert!(named > 300, "the description names only {named} parameters");
    let ids: Vec<&String> = examples.values().collect();
    let long = "x".repeat(5_001);
    let pick = any::<prop::sample::Index>;
    // For each parameter: which one, where its value comes from, and which value.
    let fields = prop::collection::vec((pick(), 0..10_u8, pick(), any::<String>()), 0..12);
    let request = (pick(), fields, 0..8_u8, any::<bool>());
    let mut runner =
        TestRunner::new(Config { cases: api::cases(600, 20_000), ..Config::default() });
    let outcome = runner.run(&request, |(endpoint, fields, path_kind, once)| {
        let (endpoint, names) = &known[endpoint.index(known.len())];
        let path = fill(endpoint.path, |name| match path_kind {
            0 => "nope".to_owned(),
            1 => format!("{}x", examples[name]),
            _ => examples[name].clone(),
        });
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, kind, value, text) in &fields {
            if names.is_empty() {
                break;
            }
            let (name, listed) = &names[name.index(names.len())];
            let value = match kind {
                0 => text,
                1 => &long,
                2 => ids[value.index(ids.len())],
                3..=5 if !listed.is_empty() => &listed[value.index(listed.len())],
                _ => VALUES[value.index(VALUES.len())],
            };
            form.append_pair(name, value);
        }
        let form = form.finish();
        let (path, body) = match endpoint.method {
            Method::Post => (path, form.clone().into_bytes()),
            Method::Get | Method::Delete => (format!("{path}?{form}"), Vec::new()),
        };
        api.platform.database().take_counts();
        let key = once.then(|| form.chars().take(40).collect::<String>());
        let key = key.filter(|key| !key.is_empty());
        let method = endpoint.method.name().parse().expect("a method");
        let secret = &api.merchant.secret_key;
        let answer = kit::run(api.send(method, &path, body, secret, key.as_deref()));
        assert_clear(&answer);
        let written = api.platform.database().take_counts().rows_written;
        // A card that is declined leaves its charge behind.
        if answer.status >= 400 && answer.status != 402 {
            prop_assert_eq!(written, 0, "{} {}: {}", endpoint.path, form, answer.text);
        }
        if endpoint.method == Method::Get {
            prop_assert_eq!(written, 0, "{} {}", endpoint.path, form);
        }
        prop_assert_eq!(api.platform.errors(), vec![], "{} {}", endpoint.path, form);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}
