//! Keys: who may call what, for how long, and whose rows they see.

use std::collections::{BTreeMap, BTreeSet};

use api::{Answer, Api, Form, hearing, invariants};
use domain::api_key::{Access, Kind, Permissions};
use handlers::endpoint::Method;
use handlers::routes::{Listed, endpoints};
use http::Request;
use kit::{Merchant, Platform, Processor};
use store::values;

const PAID: Form<'_> = &[
    ("amount", "2000"),
    ("currency", "usd"),
    ("payment_method_types[]", "card"),
    ("payment_method", "pm_card_visa"),
    ("confirm", "true"),
];

fn send(api: &Api, key: &str, method: Method, path: &str, form: Form<'_>) -> Answer {
    let mut body = form_urlencoded::Serializer::new(String::new());
    let encoded = body.extend_pairs(form).finish();
    let (path, body) = match method {
        Method::Post => (path.to_owned(), encoded.into_bytes()),
        Method::Get | Method::Delete if encoded.is_empty() => (path.to_owned(), Vec::new()),
        Method::Get | Method::Delete => (format!("{path}?{encoded}"), Vec::new()),
    };
    let method = method.name().parse().expect("a method");
    kit::run(api.send(method, &path, body, key, None))
}

/// What an endpoint cannot do without, beyond what its path names.
fn needed(endpoint: &Listed, own: &Examples) -> Vec<(&'static str, String)> {
    let text = |text: &str| text.to_owned();
    match (endpoint.method, endpoint.path) {
        (Method::Get, path) if path.ends_with("/search") => vec![("query", text("created>0"))],
        (Method::Post, path) if path.ends_with("/increment_authorization") => {
            vec![("amount", text("3000"))]
        }
        (Method::Post, path) if path.ends_with("/external_accounts") => {
            vec![("external_account", text("btok_us_verified"))]
        }
        (Method::Post, path)
            if path.starts_with("/v1/events/") || path.ends_with("/event_replays") =>
        {
            vec![("webhook_endpoint", own["webhook_endpoint"].clone())]
        }
        (Method::Post, path) if path.ends_with("/attach") => {
            vec![("customer", own["customer"].clone())]
        }
        (Method::Post, path) if path.ends_with("/connector_accounts") => {
            vec![("connector", text("stripe")), ("secret_key", text("sk_test_51example"))]
        }
        (Method::Post, path) if path.ends_with("/settlement_reports") => {
            let account = own["connector_account"].clone();
            vec![("connector_account", account), ("file", text(STRANGE))]
        }
        (Method::Post, path) if path.ends_with("/resolve") => {
            let outcome = if path.contains("break") { "handled" } else { "failed" };
            vec![("outcome", text(outcome)), ("note", text("Looked."))]
        }
        _ => Vec::new(),
    }
}

/// What a processor reports of a payment that nobody knows.
const STRANGE: &str = "balance_transaction_id,created,currency,gross,fee,net,reporting_category\n\
    txn_1,2026-01-01,usd,1.00,0,1.00,charge\n";

/// Objects of one account, by the name of the part of a path that they fill.
type Examples = BTreeMap<&'static str, String>;

fn examples(api: &Api, merchant: &Merchant) -> Examples {
    let key = &merchant.secret_key;
    // What is paid can be paid out at once.
    api.platform.set_settings(merchant, r#"{"available_after_days": 0}"#);
    let post = |path: &str, form: Form<'_>| send(api, key, Method::Post, path, form).ok();
    let customer = post("/v1/customers", &[("metadata[order]", "1")]).id().to_owned();
    let method = post(
        "/v1/payment_methods",
        &[("type", "card"), ("card[token]", "tok_visa"), ("metadata[order]", "1")],
    );
    let held = post("/v1/payment_intents", &[PAID, &[("capture_method", "manual")]].concat());
    let paid = post("/v1/payment_intents", &[PAID, &[("metadata[order]", "1")]].concat());
    let charge = paid.text_at("/latest_charge").to_owned();
    let refund = post("/v1/refunds", &[("charge", &charge), ("amount", "100")]);
    let payout = post("/v1/payouts", &[("amount", "100"), ("currency", "usd")]);
    let topup = post("/v1/topups", &[("amount", "100"), ("currency", "usd")]);
    let connected = post("/v1/accounts", &[]);
    let sent = [("amount", "100"), ("currency", "usd"), ("destination", connected.id())];
    let sent = post("/v1/transfers", &sent);
    let reversal = post(&format!("/v1/transfers/{}/reversals", sent.id()), &[("amount", "1")]);
    let doubted = post(
        "/v1/charges",
        &[("amount", "100"), ("currency", "usd"), ("source", "tok_visa_createDisputeInquiry")],
    );
    let report = [
        ("report_type", "ending_balance_reconciliation.summary.1"),
        ("parameters[interval_end]", "1767225600"),
    ];
    let run = post("/v1/reporting/report_runs", &report);
    api.platform.advance(3);
    api.beat();
    let path = format!("/v1/reporting/report_runs/{}", run.id());
    let file = send(api, key, Method::Get, &path, &[]).ok().text_at("/result/id").to_owned();
    let path = format!("/v1/disputes?charge={}", doubted.id());
    let disputes = send(api, key, Method::Get, &path, &[]).ok();
    let dispute = disputes.text_at("/data/0/id").to_owned();
    let token = post(
        "/v1/tokens",
        &[
            ("card[number]", "4242424242424242"),
            ("card[exp_month]", "12"),
            ("card[exp_year]", "2034"),
        ],
    );
    let kept = post(
        "/v1/setup_intents",
        &[("customer", &customer), ("payment_method", "pm_card_visa"), ("confirm", "true")],
    );
    let connected = [
        ("connector", "stripe"),
        ("secret_key", "sk_test_51example"),
        ("webhook_secret", hearing::SECRET),
        ("disabled", "true"),
    ];
    let connector = post("/v1/florin/connector_accounts", &connected);
    let hook = format!("/connectors/stripe/webhooks/{}", connector.id());
    let body = Processor::notice(
        "evt_1",
        "charge.updated",
        &serde_json::json!({ "object": "charge", "amount_refunded": 0 }),
    );
    hearing::deliver(api, &hook, &body);
    let heard = send(api, key, Method::Get, "/v1/florin/connector_webhooks", &[]).ok();
    let routing = post("/v1/florin/routing", &[("default[priority][]", connector.id())]);
    let strange = [("connector_account", connector.id()), ("file", STRANGE)];
    let reported = post("/v1/florin/settlement_reports", &strange);
    api.platform.advance(1);
    api.beat();
    let found = send(api, key, Method::Get, "/v1/florin/settlement_breaks", &[]).ok();
    let hooked = [("url", "https://shop.test/hooks"), ("enabled_events[]", "*")];
    let hooked = post("/v1/webhook_endpoints", &hooked);
    post("/v1/customers", &[]);
    api.deliver();
    let deliveries = send(api, key, Method::Get, "/v1/florin/webhook_deliveries", &[]).ok();
    let replay = [("webhook_endpoint", hooked.id()), ("dry_run", "true")];
    let replay = post("/v1/florin/event_replays", &replay);
    let events = send(api, key, Method::Get, "/v1/events", &[]).ok();
    let event = events.text_at("/data/0/id").to_owned();
    let attempts = "SELECT id FROM attempts WHERE account = ?1";
    let account = vec![merchant.account.as_str().into()];
    let attempt =
        api.platform.database().query(attempts, account)[0].text("id").expect("an id").to_owned();
    Examples::from([
        ("account", merchant.account.as_str().to_owned()),
        ("charge", charge),
        ("connector_account", connector.id().to_owned()),
        ("connector_webhook", heard.text_at("/data/0/id").to_owned()),
        ("customer", customer),
        ("dispute", dispute),
        ("file", file),
        ("id", event),
        ("intent", held.id().to_owned()),
        ("payment_attempt", attempt),
        ("payment_method", method.id().to_owned()),
        ("bank_account", payout.text_at("/destination").to_owned()),
        ("payout", payout.id().to_owned()),
        ("routing", routing.id().to_owned()),
        ("settlement_break", found.text_at("/data/0/id").to_owned()),
        ("settlement_report", reported.id().to_owned()),
        ("refund", refund.id().to_owned()),
        ("report_run", run.id().to_owned()),
        ("report_type", "balance.summary.1".to_owned()),
        ("setup_intent", kept.id().to_owned()),
        ("reversal", reversal.id().to_owned()),
        ("token", token.id().to_owned()),
        ("webhook_delivery", deliveries.text_at("/data/0/id").to_owned()),
        ("webhook_endpoint", hooked.id().to_owned()),
        ("event_replay", replay.id().to_owned()),
        ("topup", topup.id().to_owned()),
        ("transfer", sent.id().to_owned()),
    ])
}

/// The names of the open parts of a path.
fn open_parts(path: &str) -> Vec<&str> {
    path.split(['{', '}']).skip(1).step_by(2).collect()
}

fn fill(path: &str, part: impl Fn(&str) -> String) -> String {
    open_parts(path)
        .into_iter()
        .fold(path.to_owned(), |path, name| path.replace(&format!("{{{name}}}"), &part(name)))
}

fn example<'e>(examples: &'e Examples, name: &str) -> &'e String {
    examples.get(name).unwrap_or_else(|| panic!("add an example for {{{name}}} to this test"))
}

/// An id of the same kind that names nothing.
fn missing(id: &str) -> String {
    let (prefix, _) = id.split_once('_').unwrap_or((id, ""));
    format!("{prefix}_0000000000000000000000")
}

/// Everything that an account has in test mode.
fn rows_of(platform: &Platform, merchant: &Merchant) -> String {
    let tables = [
        "customers",
        "payment_methods",
        "setup_intents",
        "tokens",
        "payment_intents",
        "attempts",
        "charges",
        "bank_accounts",
        "payouts",
        "refunds",
        "report_runs",
        "files",
        "disputes",
        "metadata_entries",
        "events",
        "scheduled_tasks",
        "topups",
        "transfers",
        "transfer_reversals",
    ];
    let rows = tables.map(|table| {
        let sql = format!("SELECT * FROM {table} WHERE account = ?1 AND livemode = 0");
        format!("{:?}", platform.database().query(&sql, values![merchant.account.as_str()]))
    });
    rows.concat()
}

#[test]
fn a_key_never_sees_another_accounts_rows() {
    let api = Api::new();
    let victim = api.merchant.clone();
    let stranger = api.platform.merchant("stranger");
    let theirs = examples(&api, &victim);
    let own = examples(&api, &stranger);
    let live = api.platform.key(&victim, Kind::Secret, true);
    let before = rows_of(&api.platform, &victim);
    // A stranger, and the account's own key for the other mode, which has no objects at all.
    for (key, own) in [(&stranger.secret_key, &own), (&live, &own)] {
        for endpoint in endpoints() {
            let parts = open_parts(endpoint.path);
            // Which reports there are is the same for everyone.
            if endpoint.resource == "reporting.report_type" {
                continue;
            }
            let form = needed(&endpoint, own);
            let form: Vec<_> = form.iter().map(|(name, text)| (*name, text.as_str())).collect();
            let ask = |path: &str| send(&api, key, endpoint.method, path, &form);
            if parts.is_empty() {
                let answer = ask(endpoint.path);
                for id in theirs.iter().filter(|(name, _)| **name != "account") {
                    assert!(!answer.text.contains(id.1), "{endpoint:?}: {}", answer.text);
                }
                continue;
            }
            // Each part names a foreign object in turn, or all of them do.
            for foreign in (0..parts.len()).map(Some).chain([None]) {
                // The account itself is the same in both modes.
                let of_account = parts.iter().position(|part| *part == "account");
                if key == &live
                    && of_account.is_some()
                    && (foreign.is_none() || foreign == of_account)
                {
                    continue;
                }
                let path = |id: &dyn Fn(&String) -> String| {
                    fill(endpoint.path, |name| {
                        let place = parts.iter().position(|part| *part == name);
                        if foreign.is_none() || foreign == place {
                            id(example(&theirs, name))
                        } else {
                            example(own, name).clone()
                        }
                    })
                };
                let found = ask(&path(&|id| id.clone()));
                let absent = ask(&path(&|id| missing(id)));
                assert!(matches!(absent.status, 403 | 404), "{endpoint:?}: {}", absent.text);
                let shown = parts.iter().fold(found.text.clone(), |text, name| {
                    let id = example(&theirs, name);
                    text.replace(id, &missing(id))
                });
                assert_eq!((found.status, shown), (absent.status, absent.text), "{endpoint:?}");
            }
        }
    }
    assert_eq!(rows_of(&api.platform, &victim), before);
    invariants::check_registered(&api.platform);
}

#[test]
fn no_parameter_names_another_accounts_rows() {
    let api = Api::new();
    let theirs = examples(&api, &api.merchant.clone());
    let stranger = api.platform.merchant("stranger");
    let own = examples(&api, &stranger);
    let before = rows_of(&api.platform, &api.merchant);
    let [intent, method, customer, charge] =
        ["intent", "payment_method", "customer", "charge"].map(|name| example(&own, name).as_str());
    let create = "/v1/payment_intents".to_owned();
    let pay: Form<'_> = &[("amount", "2000"), ("currency", "usd")];
    let set_up = [("confirm", "true"), ("customer", customer)];
    let set_up_new = [&set_up[..], &[("payment_method_data[type]", "card")]].concat();
    let get = Method::Get;
    let post = Method::Post;
    let cases: Vec<(Method, String, Form<'_>, &str, &str)> = vec![
        (post, create.clone(), pay, "customer", "customer"),
        (post, create, pay, "payment_method", "payment_method"),
        (post, format!("/v1/payment_intents/{intent}"), &[], "customer", "customer"),
        (post, format!("/v1/payment_intents/{intent}"), &[], "payment_method", "payment_method"),
        (post, "/v1/refunds".to_owned(), &[], "charge", "charge"),
        (post, "/v1/refunds".to_owned(), &[], "payment_intent", "intent"),
        (post, format!("/v1/payment_methods/{method}/attach"), &[], "customer", "customer"),
        (post, "/v1/customers".to_owned(), &[], "payment_method", "payment_method"),
        (post, "/v1/customers".to_owned(), &[], "source", "token"),
        (
            post,
            format!("/v1/customers/{customer}"),
            &[],
            "invoice_settings[default_payment_method]",
            "payment_method",
        ),
        (post, format!("/v1/customers/{customer}"), &[], "default_source", "payment_method"),
        (post, "/v1/charges".to_owned(), pay, "customer", "customer"),
        (post, "/v1/charges".to_owned(), pay, "source", "token"),
        (post, format!("/v1/charges/{charge}"), &[], "customer", "customer"),
        (post, "/v1/payment_methods".to_owned(), &[("type", "card")], "card[token]", "token"),
        (post, "/v1/setup_intents".to_owned(), &set_up, "payment_method", "payment_method"),
        (
            post,
            "/v1/setup_intents".to_owned(),
            &set_up_new,
            "payment_method_data[card][token]",
            "token",
        ),
        (get, "/v1/payment_intents".to_owned(), &[], "customer", "customer"),
        (get, "/v1/payment_intents".to_owned(), &[], "starting_after", "intent"),
        (get, "/v1/payment_intents".to_owned(), &[], "ending_before", "intent"),
        (get, "/v1/charges".to_owned(), &[], "payment_intent", "intent"),
        (get, "/v1/charges".to_owned(), &[], "customer", "customer"),
        (get, "/v1/payouts".to_owned(), &[], "starting_after", "payout"),
        (get, "/v1/payouts".to_owned(), &[], "destination", "bank_account"),
        (
            post,
            "/v1/payouts".to_owned(),
            &[("amount", "1"), ("currency", "usd")],
            "destination",
            "bank_account",
        ),
        (get, "/v1/refunds".to_owned(), &[], "charge", "charge"),
        (get, "/v1/refunds".to_owned(), &[], "payment_intent", "intent"),
        (get, "/v1/payment_methods".to_owned(), &[], "customer", "customer"),
        (get, "/v1/events".to_owned(), &[], "starting_after", "id"),
        (get, "/v1/webhook_endpoints".to_owned(), &[], "starting_after", "webhook_endpoint"),
        (get, "/v1/customers".to_owned(), &[], "starting_after", "customer"),
    ];
    for (http, path, form, param, kind) in cases {
        let theirs = example(&theirs, kind);
        let absent_id = missing(theirs);
        let ask = |id: &str| {
            let form = [form, &[(param, id)]].concat();
            send(&api, &stranger.secret_key, http, &path, &form)
        };
        let (found, absent) = (ask(theirs), ask(&absent_id));
        let shown = found.text.replace(theirs, &absent_id);
        assert_eq!((found.status, shown), (absent.status, absent.text), "{path} {param}");
    }
    assert_eq!(rows_of(&api.platform, &api.merchant), before);
}

#[test]
fn a_publishable_key_calls_what_it_may_and_nothing_else() {
    let api = Api::new();
    let own = examples(&api, &api.merchant.clone());
    for endpoint in endpoints() {
        let path = fill(endpoint.path, |name| example(&own, name).clone());
        let answer = send(&api, &api.merchant.publishable_key, endpoint.method, &path, &[]);
        if endpoint.is_publishable {
            assert_eq!(answer.status, 400, "{endpoint:?}: {}", answer.text);
        } else {
            let error = answer.error(403);
            assert_eq!(error["code"], "secret_key_required", "{endpoint:?}");
        }
    }
    let allowed: Vec<_> = endpoints()
        .into_iter()
        .filter(|endpoint| endpoint.is_publishable)
        .map(|endpoint| (endpoint.method.name(), endpoint.path))
        .collect();
    assert_eq!(
        allowed,
        [
            ("POST", "/v1/payment_intents/{intent}/confirm"),
            ("GET", "/v1/payment_intents/{intent}"),
            ("POST", "/v1/payment_methods"),
        ]
    );
}

#[test]
fn a_restricted_key_needs_the_right_of_each_endpoint() {
    let api = Api::new();
    let merchant = api.merchant.clone();
    let own = examples(&api, &merchant);
    let resources: BTreeSet<_> =
        endpoints().into_iter().map(|endpoint| endpoint.resource).collect();
    let key = |rights: Vec<(&str, Access)>| {
        let rights: Permissions =
            rights.into_iter().map(|(name, access)| (name.to_owned(), access)).collect();
        api.platform.restricted_key(&merchant, false, &rights)
    };
    for endpoint in endpoints() {
        // Deleting and detaching would take from the others what they need.
        let is_account = endpoint.path == "/v1/accounts/{account}";
        let path = fill(endpoint.path, |name| match name {
            // What lies below another account is refused as that account.
            "account" if !is_account => example(&own, name).clone(),
            name => missing(example(&own, name)),
        });
        let others = resources
            .iter()
            .filter(|name| **name != endpoint.resource)
            .map(|name| (*name, Access::Write));
        let refused = |key: &str| send(&api, key, endpoint.method, &path, &[]).status == 403;
        let reads = endpoint.method == Method::Get;
        assert!(refused(&key(others.collect())), "{endpoint:?} without the right");
        assert!(refused(&key(vec![])), "{endpoint:?} without rights");
        assert_eq!(refused(&key(vec![(endpoint.resource, Access::Read)])), !reads || is_account);
        assert_eq!(refused(&key(vec![(endpoint.resource, Access::Write)])), is_account);
    }
}

#[test]
fn a_restricted_key_expands_only_what_it_may_read() {
    let api = Api::new();
    let merchant = api.merchant.clone();
    let customer = api.post("/v1/customers", &[("email", "jo@example.com")]).ok();
    let paid = api.post("/v1/payment_intents", &[PAID, &[("customer", customer.id())]].concat());
    let path = format!("/v1/payment_intents/{}", paid.ok().id());
    let rights = |names: &[&str]| -> Permissions {
        names.iter().map(|name| ((*name).to_owned(), Access::Write)).collect()
    };
    let narrow = api.platform.restricted_key(&merchant, false, &rights(&["payment_intent"]));
    let wide =
        api.platform.restricted_key(&merchant, false, &rights(&["payment_intent", "customer"]));
    for form in [[("expand[]", "customer")], [("expand[]", "payment_method.customer")]] {
        for method in [Method::Get, Method::Post] {
            let refused = send(&api, &narrow, method, &path, &form);
            assert!(!refused.text.contains("jo@example.com"));
            refused.error(403);
        }
    }
    send(&api, &narrow, Method::Get, "/v1/payment_intents", &[("expand[]", "data.customer")])
        .error(403);
    let shown = send(&api, &wide, Method::Get, &path, &[("expand[]", "customer")]).ok();
    assert_eq!(shown.body["customer"]["email"], "jo@example.com");
}

#[test]
fn a_key_that_is_missing_or_wrong_is_told_so() {
    let api = Api::new();
    let path = "https://florin.test/v1/payment_intents";
    let ask = |header: Option<&[u8]>| {
        let mut request = Request::builder().uri(path);
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        kit::run(api.answer(&request.body(Vec::new()).expect("a request")))
    };
    let secret = &api.merchant.secret_key;
    let wrong: Vec<Option<Vec<u8>>> = vec![
        None,
        Some(b"".to_vec()),
        Some(b"Bearer".to_vec()),
        Some(b"Bearer ".to_vec()),
        Some(b"Basic !!!".to_vec()),
        Some(b"Basic Og==".to_vec()),
        Some(b"Digest abc".to_vec()),
        Some(b"Bearer \xff\xfe".to_vec()),
        Some(format!("Bearer {secret}x").into_bytes()),
        Some(format!("Bearer {}", &secret[..secret.len() - 1]).into_bytes()),
        Some(format!("Bearer {}", secret.to_uppercase()).into_bytes()),
        Some(format!("Bearer {secret} {secret}").into_bytes()),
        Some(format!("Bearer {}", "k".repeat(10_000)).into_bytes()),
        Some(b"Bearer ' OR 1=1 --".to_vec()),
    ];
    for header in wrong {
        let answer = ask(header.as_deref());
        let error = answer.error(401);
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"Stripe\""));
        assert!(!answer.text.contains(secret.as_str()), "{}", answer.text);
        assert!(answer.text.len() < 500, "{}", answer.text);
    }
    ask(Some(format!("bearer {secret}").as_bytes())).ok();
}

#[test]
fn a_revoked_key_stops_within_five_seconds_and_a_rolled_one_when_its_overlap_ends() {
    let api = Api::new();
    let ask = || send(&api, &api.merchant.secret_key, Method::Get, "/v1/payment_intents", &[]);
    let expire = |at: i64| {
        api.platform
            .database()
            .query("UPDATE api_keys SET expires_at = ?1 WHERE kind = 'secret'", values![at]);
    };
    ask().ok();
    expire(kit::START.seconds());
    api.platform.advance(4);
    ask().ok();
    api.platform.advance(1);
    assert_eq!(ask().error(401)["code"], "api_key_expired");
    // Rolled: the old key works beside the new one for a minute.
    expire(kit::START.seconds() + 65);
    api.platform.advance(5);
    ask().ok();
    api.platform.advance(54);
    ask().ok();
    api.platform.advance(1);
    // The end was known when the key was read, so the cache adds nothing to it.
    assert_eq!(ask().error(401)["code"], "api_key_expired");
    // A key that is gone is not remembered either.
    expire(kit::START.seconds() + 1_000);
    api.platform.advance(5);
    ask().ok();
    api.platform.database().query("DELETE FROM api_keys WHERE kind = 'secret'", values![]);
    api.platform.advance(5);
    ask().error(401);
}

/// An intent with all that a browser must not see, its card declined.
fn declined_with_secrets(api: &Api) -> (Answer, String) {
    let customer = api
        .post("/v1/customers", &[("email", "hidden@example.com"), ("metadata[h]", "hidden-1")])
        .ok();
    let method = api
        .post(
            "/v1/payment_methods",
            &[
                ("type", "card"),
                ("card[token]", "tok_chargeCustomerFail"),
                ("metadata[h]", "hidden-2"),
            ],
        )
        .ok();
    api.post(
        &format!("/v1/payment_methods/{}/attach", method.id()),
        &[("customer", customer.id())],
    )
    .ok();
    let intent = api
        .post(
            "/v1/payment_intents",
            &[
                ("amount", "2000"),
                ("currency", "usd"),
                ("payment_method_types[]", "card"),
                ("customer", customer.id()),
                ("payment_method", method.id()),
                ("metadata[h]", "hidden-3"),
            ],
        )
        .ok();
    (intent, customer.id().to_owned())
}

#[test]
fn a_browser_sees_nothing_that_is_not_its_own_business() {
    let api = Api::new();
    let (intent, customer) = declined_with_secrets(&api);
    let method = intent.text_at("/payment_method").to_owned();
    let secret = intent.text_at("/client_secret").to_owned();
    let path = format!("/v1/payment_intents/{}", intent.id());
    let key = &api.merchant.publishable_key;
    let browser = |method, path: &str, form: Form<'_>| {
        let form = [&[("client_secret", secret.as_str())], form].concat();
        send(&api, key, method, path, &form)
    };
    let confirm = format!("{path}/confirm");
    let mut seen = vec![
        browser(Method::Get, &path, &[]),
        browser(Method::Get, &path, &[("expand[]", "payment_method")]),
        browser(Method::Get, &path, &[("expand[]", "payment_method.customer")]),
        browser(Method::Get, &path, &[("expand[]", "customer")]),
        browser(Method::Get, &path, &[("expand[]", "latest_charge.customer")]),
    ];
    let declined = browser(Method::Post, &confirm, &[]);
    assert_eq!(declined.status, 402, "{:#}", declined.body);
    assert_eq!(declined.body["error"]["payment_method"]["id"], *method);
    seen.push(declined);
    // The decline is kept on the intent, and shown with it.
    let shown = browser(Method::Get, &path, &[]).ok();
    assert_eq!(shown.body["last_payment_error"]["payment_method"]["id"], *method);
    seen.push(shown);
    seen.push(browser(Method::Post, &confirm, &[("expand[]", "payment_method.customer")]));
    api.post(&confirm, &[("payment_method", "pm_card_visa")]).ok();
    seen.push(browser(Method::Post, &confirm, &[]));
    let fingerprint = api.get(&format!("/v1/payment_methods/{method}")).ok();
    let fingerprint = fingerprint.text_at("/card/fingerprint").to_owned();
    for answer in seen {
        for hidden in ["hidden", &customer, "metadata", &fingerprint] {
            assert!(!answer.text.contains(hidden), "{hidden} in {}", answer.text);
        }
    }
}

#[test]
fn a_browser_needs_the_client_secret_of_that_very_intent() {
    let api = Api::new();
    let pay = &PAID[..4];
    let intent = api.post("/v1/payment_intents", pay).ok();
    let other = api.post("/v1/payment_intents", pay).ok();
    let path = format!("/v1/payment_intents/{}", intent.id());
    let key = &api.merchant.publishable_key;
    let secret = intent.text_at("/client_secret");
    let wrong = [
        "",
        "x",
        intent.id(),
        &secret[..secret.len() - 1],
        &format!("{secret}x"),
        other.text_at("/client_secret"),
    ];
    for (method, path) in [(Method::Get, path.clone()), (Method::Post, format!("{path}/confirm"))] {
        send(&api, key, method, &path, &[]).error(400);
        for wrong in wrong {
            let refused = send(&api, key, method, &path, &[("client_secret", wrong)]);
            refused.error(400);
            assert!(!refused.text.contains(secret), "{}", refused.text);
        }
        send(&api, key, method, &path, &[("client_secret", secret)]).ok();
    }
    assert_eq!(api.get(&path).ok().body["status"], "succeeded");
}

#[test]
fn a_browser_cannot_change_how_the_merchant_takes_its_money() {
    let api = Api::new();
    let intent = api.post("/v1/payment_intents", &PAID[..4]).ok();
    let path = format!("/v1/payment_intents/{}/confirm", intent.id());
    let secret = ("client_secret", intent.text_at("/client_secret"));
    let key = &api.merchant.publishable_key;
    for param in [
        ("amount_details", ""),
        ("payment_details", ""),
        ("capture_method", "manual"),
        ("off_session", "true"),
        ("error_on_requires_action", "true"),
        ("setup_future_usage", ""),
        ("payment_method_options[card]", ""),
        ("payment_method_options[card][setup_future_usage]", ""),
        ("payment_method_options[card][setup_future_usage]", "none"),
        ("payment_method_options[card][capture_method]", "manual"),
        ("payment_method_options[card][capture_method]", ""),
        ("payment_method_options[card][request_three_d_secure]", "automatic"),
        ("payment_method_options[card][request_multicapture]", "if_available"),
        ("payment_method_options[card][request_incremental_authorization]", "if_available"),
        ("payment_method_options[card][request_extended_authorization]", "if_available"),
        ("payment_method_options[card][request_overcapture]", "if_available"),
        ("payment_method_options[card][require_cvc_recollection]", "false"),
    ] {
        let refused = send(&api, key, Method::Post, &path, &[secret, param]);
        assert_eq!(refused.error(400)["param"], param.0);
    }
    send(&api, key, Method::Post, &path, &[secret]).ok();
}

#[test]
fn a_browser_is_not_given_a_servers_answer_by_its_idempotency_key() {
    let api = Api::new();
    let (intent, customer) = declined_with_secrets(&api);
    let path = format!("/v1/payment_intents/{}/confirm", intent.id());
    let form = [("client_secret", intent.text_at("/client_secret"))];
    let ask = |key: &str| kit::run(api.posting_as(key, &path, &form, Some("key-1")));
    let server = ask(&api.merchant.secret_key);
    assert!(server.text.contains(&customer));
    let browser = ask(&api.merchant.publishable_key);
    assert_eq!(browser.header("idempotent-replayed"), None);
    assert!(!browser.text.contains(&customer), "{}", browser.text);
    assert_eq!(ask(&api.merchant.secret_key).text, server.text);
}

#[test]
fn keys_of_two_modes_and_accounts_share_no_idempotency_record() {
    let api = Api::new();
    let other = api.platform.merchant("stranger");
    let live = api.platform.key(&api.merchant, Kind::Secret, true);
    let form: Form<'_> = &[("amount", "2000"), ("currency", "usd")];
    let ids: BTreeSet<String> = [&api.merchant.secret_key, &other.secret_key, &live]
        .into_iter()
        .map(|key| {
            let path = "/v1/payment_intents";
            let answer = kit::run(api.posting_as(key, path, form, Some("key-1"))).ok();
            assert_eq!(answer.header("idempotent-replayed"), None);
            answer.id().to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn a_right_can_be_given_for_every_resource_that_needs_one() {
    let needed: std::collections::BTreeSet<_> =
        handlers::routes::endpoints().iter().map(|endpoint| endpoint.resource).collect();
    let given: Vec<_> = needed.into_iter().collect();
    assert_eq!(given, domain::api_key::RESOURCES);
}

#[test]
fn keys_were_forgotten_by_whoever_looked_at_endpoints_and_not_when_an_account_was_connected() {
    let api = Api::new();
    let processor = kit::Processor::listening(&api.platform);
    let batches = || {
        api.platform.database().take_counts();
        api.get("/v1/balance").ok();
        api.platform.database().take_counts().batches
    };
    let (cold, warm) = (batches(), batches());
    assert_eq!(cold, warm + 1);
    api.get("/v1/florin/connector_accounts").ok();
    assert_eq!(batches(), warm);
    api.get("/v1/webhook_endpoints").ok();
    assert_eq!(batches(), warm);
    api.post("/v1/webhook_endpoints", &[]).error(400);
    assert_eq!(batches(), warm);
    let account = [("connector", "stripe"), ("secret_key", "sk_test_51example")];
    api.post("/v1/florin/connector_accounts", &account).ok();
    let card = api::processors::card(api::processors::VISA, &[]);
    api.post(api::processors::PAY, &card).ok();
    assert_eq!(processor.payments().len(), 1, "it goes there from now on");
}
