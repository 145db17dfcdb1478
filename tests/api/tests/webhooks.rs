//! Webhooks: every event reaches every endpoint that hears of it, however queues and endpoints fail.

use std::cell::Cell;
use std::rc::Rc;

use api::{Answer, Api, Form};
use domain::api_key::Kind;
use futures_util::join;
use handlers::Server;
use http::Request;
use kit::{Fault, answered};
use serde_json::{Value, json};

const URL: &str = "https://shop.test/hooks";

fn endpoint(api: &Api, url: &str, events: &[&str]) -> Answer {
    let mut form = vec![("url", url)];
    form.extend(events.iter().map(|event| ("enabled_events[]", *event)));
    api.post("/v1/webhook_endpoints", &form).ok()
}

fn customer(api: &Api) -> String {
    api.post("/v1/customers", &[]).ok().id().to_owned()
}

/// The events that arrived since the last look, as their types and where they went.
fn arrived(api: &Api) -> Vec<(String, String)> {
    let requests = api.platform.outside().take_requests();
    requests
        .iter()
        .map(|request| {
            let event: Value = serde_json::from_str(request.body()).expect("JSON");
            (event["type"].as_str().expect("a type").to_owned(), request.uri().to_string())
        })
        .collect()
}

fn types(api: &Api) -> Vec<String> {
    arrived(api).into_iter().map(|(name, _)| name).collect()
}

fn row(api: &Api, column: &'static str) -> Value {
    let rows = api.platform.database().query("SELECT * FROM deliveries ORDER BY event", vec![]);
    rows.last().expect("a delivery").0.get(column).expect("a column").clone()
}

#[test]
fn nobody_is_told_at_once_where_nobody_listens_and_the_first_endpoint_is_heard_of() {
    let api = Api::new();
    customer(&api);
    assert!(!api.platform.outside().take_announced());
    let other_isolate = Server::default();
    let customer_elsewhere = || {
        let request = Request::post("/v1/customers")
            .header("authorization", format!("Bearer {}", api.merchant.secret_key))
            .body(Vec::new());
        let made = other_isolate.handle(&api.platform, request.as_ref().expect("a request"));
        assert_eq!(kit::run(made).status(), 200);
    };
    customer_elsewhere();
    endpoint(&api, URL, &["*"]);
    customer(&api);
    assert!(api.platform.outside().take_announced());
    // Who does not know of it yet leaves it to the heartbeat, which is woken once everybody knows.
    customer_elsewhere();
    assert!(!api.platform.outside().take_announced());
    let lifetime = handlers::key_cache::LIFETIME;
    let now = flows::Platform::now(&api.platform);
    let woken = api.platform.wakes();
    assert!(woken.iter().any(|at| *at > now.plus(lifetime) && *at < now.plus(2 * lifetime)));
    api.beat();
    api.deliver();
    assert_eq!(types(&api), ["customer.created", "customer.created"]);
}

#[test]
fn an_endpoint_is_made_shown_changed_and_deleted() {
    let api = Api::new();
    let made = endpoint(&api, URL, &["customer.created", "charge.*"]);
    assert!(made.id().starts_with("we_"));
    assert!(made.text_at("/secret").starts_with("whsec_"));
    assert_eq!(made.body["status"], "enabled");
    let path = format!("/v1/webhook_endpoints/{}", made.id());
    let shown = api.get(&path).ok();
    assert_eq!(shown.body.get("secret"), None, "the secret is told once");
    assert_eq!(shown.body["enabled_events"], json!(["customer.created", "charge.*"]));
    let form: Form<'_> = &[
        ("enabled_events[]", "*"),
        ("disabled", "true"),
        ("metadata[a]", "b"),
        ("description", "d"),
    ];
    let changed = api.post(&path, form).ok();
    assert_eq!(changed.body["status"], "disabled");
    assert_eq!(changed.body["enabled_events"], json!(["*"]));
    assert_eq!(changed.body["metadata"], json!({"a": "b"}));
    assert_eq!(api.post(&path, &[("disabled", "false")]).ok().body["status"], "enabled");
    let list = api.get("/v1/webhook_endpoints").ok();
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1));
    for _ in 0..2 {
        let gone = api.delete(&path).ok();
        assert_eq!(
            gone.body,
            json!({"id": made.id(), "object": "webhook_endpoint", "deleted": true})
        );
    }
    api.get(&path).error(404);
    api.post(&path, &[("url", URL)]).error(404);
    assert_eq!(api.get("/v1/webhook_endpoints").ok().body["data"], json!([]));
}

#[test]
fn what_no_endpoint_can_be_is_refused() {
    let api = Api::new();
    api.platform.outside().development(false);
    let refused = |form: Form<'_>| {
        let answer = api.post("/v1/webhook_endpoints", form);
        let error = answer.error(400).clone();
        (error["param"].as_str().unwrap_or_default().to_owned(), error["message"].clone())
    };
    assert_eq!(refused(&[("enabled_events[]", "*")]).0, "url");
    assert_eq!(refused(&[("url", URL)]).0, "enabled_events");
    assert_eq!(refused(&[("url", URL), ("enabled_events[]", "charge")]).0, "enabled_events");
    let local = [("url", "http://127.0.0.1:1/"), ("enabled_events[]", "*")];
    assert_eq!(refused(&local).1, "Invalid URL: URL must be publicly accessible.");
    let unreadable = [("url", "https://0x7f.1/"), ("enabled_events[]", "*")];
    assert_eq!(refused(&unreadable).0, "url");
}

#[test]
fn an_account_has_at_most_sixteen_endpoints() {
    let api = Api::new();
    let made: Vec<_> = (0..16).map(|_| endpoint(&api, URL, &["*"]).id().to_owned()).collect();
    let form = [("url", URL), ("enabled_events[]", "*")];
    api.post("/v1/webhook_endpoints", &form).error(400);
    api.delete(&format!("/v1/webhook_endpoints/{}", made[0])).ok();
    api.post("/v1/webhook_endpoints", &form).ok();
}

#[test]
fn of_two_that_make_the_sixteenth_endpoint_at_once_one_is_refused() {
    let api = Api::new();
    for _ in 0..15 {
        endpoint(&api, URL, &["*"]);
    }
    let form = [("url", URL), ("enabled_events[]", "*")];
    let make = || api.posting("/v1/webhook_endpoints", &form, None);
    api.platform.yields(true);
    let (one, two) = kit::run(async { join!(make(), make()) });
    api.platform.yields(false);
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    let list = api.get("/v1/webhook_endpoints?limit=100").ok();
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(16));
}

#[test]
fn live_events_go_over_tls_only() {
    let api = Api::new();
    api.platform.outside().development(false);
    api.platform.outside().resolve("shop.test", &["1.1.1.1"]);
    let live = api.platform.key(&api.merchant, Kind::Secret, true);
    let post = |path: &str, form: Form<'_>| kit::run(api.posting_as(&live, path, form, None));
    let form = [("url", "http://shop.test/hooks"), ("enabled_events[]", "*")];
    let refusal = post("/v1/webhook_endpoints", &form).error(400).clone();
    assert_eq!(refusal["param"], "url");
    assert!(refusal["message"].to_string().contains("https://"), "{refusal}");
    endpoint(&api, "http://shop.test/hooks", &["*"]);
    let made = post("/v1/webhook_endpoints", &[("url", URL), ("enabled_events[]", "*")]).ok();
    let path = format!("/v1/webhook_endpoints/{}", made.id());
    assert_eq!(post(&path, &form[..1]).error(400)["param"], "url");
    // Nor is anything sent where a row says so.
    let unsafe_url =
        "UPDATE webhook_endpoints SET url = 'http://shop.test/hooks' WHERE livemode = 1";
    api.platform.database().query(unsafe_url, vec![]);
    post("/v1/customers", &[]).ok();
    api.deliver();
    assert_eq!(types(&api), Vec::<String>::new());
    assert!(row(&api, "problem").to_string().contains("https://"), "{}", row(&api, "problem"));
}

#[test]
fn an_endpoint_whose_answer_was_lost_is_made_once_with_its_secret() {
    let api = Api::new();
    api.get("/v1/webhook_endpoints").ok();
    let form = [("url", URL), ("enabled_events[]", "*")];
    api.platform.database().hop().fail(1, Fault::AfterEffect);
    api.post_once("/v1/webhook_endpoints", &form, "key-1").error(503);
    let rows = || api.platform.database().query("SELECT * FROM webhook_endpoints", vec![]).len();
    assert_eq!(rows(), 1, "it was made");
    api.platform.advance(domain::idempotency::LEASE);
    let made = api.post_once("/v1/webhook_endpoints", &form, "key-1").ok();
    assert!(made.text_at("/secret").starts_with("whsec_"));
    let list = api.get("/v1/webhook_endpoints").ok();
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1));
}

#[test]
fn an_event_reaches_each_endpoint_that_hears_of_it_and_no_other() {
    let api = Api::new();
    customer(&api);
    endpoint(&api, "https://shop.test/all", &["*"]);
    endpoint(&api, "https://shop.test/customers", &["customer.created"]);
    endpoint(&api, "https://shop.test/charges", &["charge.*"]);
    customer(&api);
    api.deliver();
    let to = |path: &str| ("customer.created".to_owned(), format!("https://shop.test/{path}"));
    let mut went = arrived(&api);
    went.sort();
    assert_eq!(went, [to("all"), to("customers")], "what was before an endpoint is not sent to it");
    api.deliver();
    assert_eq!(arrived(&api), []);
    assert_eq!((row(&api, "state"), row(&api, "status_code")), (json!("succeeded"), json!(200)));
}

#[test]
fn a_delivery_that_succeeds_at_once_writes_two_rows() {
    let api = Api::new();
    for _ in 0..10 {
        endpoint(&api, URL, &["customer.created"]);
    }
    for _ in 0..20 {
        customer(&api);
    }
    api.platform.database().take_counts();
    api.deliver();
    assert_eq!(arrived(&api).len(), 200);
    let written = api.platform.database().take_counts().rows_written;
    assert_eq!(written, 2 * 200 + 1, "and one for the cursor of the fan-out");
}

#[test]
fn a_delivery_carries_both_signatures() {
    let api = Api::new();
    let made = endpoint(&api, URL, &["*"]);
    let secret = made.text_at("/secret").to_owned();
    customer(&api);
    api.deliver();
    let requests = api.platform.outside().take_requests();
    let request = requests.first().expect("a delivery");
    let header = |name: &str| request.headers()[name].to_str().expect("a text").to_owned();
    let at = flows::Platform::now(&api.platform);
    let body = request.body();
    let event: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(event["pending_webhooks"], 1);
    let secrets = [secret];
    let signature = domain::webhook::signature::stripe(&secrets, at, body);
    assert_eq!(header("stripe-signature"), signature);
    let id = event["id"].as_str().expect("an id");
    assert_eq!(header("webhook-id"), id);
    let signature = domain::webhook::signature::standard(&secrets, id, at, body);
    assert_eq!(header("webhook-signature"), signature);
}

#[test]
fn a_delivery_that_fails_is_tried_again_until_it_arrives() {
    let api = Api::new();
    endpoint(&api, URL, &["*"]);
    let failures = Rc::new(Cell::new(3));
    let left = Rc::clone(&failures);
    api.platform.outside().respond(move |_| {
        let fails = left.get() > 0;
        left.set(left.get() - i32::from(fails));
        if fails { answered(500) } else { answered(204) }
    });
    customer(&api);
    for _ in 0..200 {
        api.deliver();
        api.platform.advance(1);
        for endpoint in api.platform.database().query("SELECT id FROM webhook_endpoints", vec![]) {
            let id = endpoint.text("id").expect("an id").to_owned();
            kit::run(flows::Platform::wake_endpoint(&api.platform, &id)).expect("it wakes");
        }
    }
    assert_eq!(types(&api).len(), 4);
    assert_eq!(row(&api, "state"), "succeeded");
    let attempts = api.platform.database().query("SELECT * FROM delivery_attempts", vec![]);
    assert_eq!(attempts.len(), 3);
    let endpoint = api.platform.database().query("SELECT * FROM webhook_endpoints", vec![]);
    assert_eq!(endpoint[0].integer("is_alone"), Ok(0), "it is well again");
    assert_eq!(endpoint[0].optional_integer("failing_since"), Ok(None));
}

#[test]
fn a_message_that_is_lost_or_doubled_costs_time_only() {
    let api = Api::new();
    endpoint(&api, URL, &["*"]);
    let outside = api.platform.outside();
    // The wake-up of the fan-out is lost.
    customer(&api);
    outside.take_announced();
    api.beat();
    api.deliver();
    assert_eq!(types(&api).len(), 1);
    // The message is lost.
    customer(&api);
    outside.take_announced();
    api.beat();
    outside.lose_messages();
    for _ in 0..6 {
        api.platform.advance(61);
        api.beat();
        api.deliver();
    }
    assert_eq!(types(&api).len(), 1);
    // The message comes twice.
    customer(&api);
    kit::run(queues::deliveries::fan_out(&api.platform)).expect("the fan-out");
    let parcel = outside.next_parcel().expect("a message");
    let message = serde_json::to_string(&parcel).expect("a message");
    for _ in 0..2 {
        kit::run(queues::deliveries::deliver(&api.platform, &message)).expect("it is taken");
    }
    assert_eq!(types(&api).len(), 1);
}

#[test]
fn a_crash_at_any_await_loses_no_delivery() {
    for polls in 1..40 {
        let api = Api::new();
        endpoint(&api, URL, &["*"]);
        customer(&api);
        api.platform.yields(true);
        let work = async {
            queues::deliveries::fan_out(&api.platform).await.expect("the fan-out");
            while let Some(parcel) = api.platform.outside().next_parcel() {
                let message = serde_json::to_string(&parcel).expect("a message");
                queues::deliveries::deliver(&api.platform, &message).await.expect("it is taken");
            }
        };
        let ended = kit::run_until_poll(polls, work).is_some();
        api.platform.yields(false);
        api.platform.outside().lose_messages();
        for _ in 0..6 {
            api.platform.advance(61);
            api.beat();
            api.deliver();
        }
        let arrived = types(&api).len();
        assert!((1..=2).contains(&arrived), "{arrived} after {polls} polls");
        assert_eq!(row(&api, "state"), "succeeded", "after {polls} polls");
        if ended {
            assert_eq!(arrived, 1);
            return;
        }
    }
    panic!("it does not end");
}

#[test]
fn an_endpoint_that_was_disabled_or_deleted_gets_nothing_more() {
    let api = Api::new();
    for ends in ["disabled", "deleted"] {
        let made = endpoint(&api, URL, &["*"]);
        let path = format!("/v1/webhook_endpoints/{}", made.id());
        customer(&api);
        kit::run(queues::deliveries::fan_out(&api.platform)).expect("the fan-out");
        match ends {
            "disabled" => api.post(&path, &[("disabled", "true")]).ok(),
            _ => api.delete(&path).ok(),
        };
        for _ in 0..3 {
            api.deliver();
            api.platform.advance(61);
            api.beat();
        }
        assert_eq!(types(&api), Vec::<String>::new(), "{ends}");
        assert_eq!(row(&api, "state"), "failed", "{ends}");
    }
}

#[test]
fn an_endpoint_that_is_gone_or_fails_for_three_days_is_disabled() {
    let api = Api::new();
    let gone = endpoint(&api, "https://gone.test/", &["customer.created"]);
    let failing = endpoint(&api, "https://failing.test/", &["customer.created"]);
    api.platform.outside().respond(|request| {
        answered(if request.uri().host() == Some("gone.test") { 410 } else { 503 })
    });
    let status = |made: &Answer| {
        api.get(&format!("/v1/webhook_endpoints/{}", made.id())).ok().body["status"].clone()
    };
    customer(&api);
    api.deliver();
    assert_eq!((status(&gone), status(&failing)), (json!("disabled"), json!("enabled")));
    for _ in 0..4 {
        api.platform.advance(86_400);
        customer(&api);
        api.deliver();
    }
    assert_eq!(status(&failing), "disabled");
    let told: Vec<_> =
        api.event_types().into_iter().filter(|name| name.starts_with("florin.")).collect();
    assert_eq!(
        told,
        [
            "florin.webhook_endpoint.disabled",
            "florin.webhook_endpoint.failing",
            "florin.webhook_endpoint.disabled"
        ]
    );
}

#[test]
fn a_slow_endpoint_is_delivered_to_alone_until_it_is_well() {
    let api = Api::new();
    endpoint(&api, URL, &["*"]);
    let is_alone = || {
        let rows = api.platform.database().query("SELECT * FROM webhook_endpoints", vec![]);
        rows[0].flag("is_alone").expect("a flag")
    };
    api.platform.outside().take(2_500);
    for _ in 0..12 {
        customer(&api);
    }
    kit::run(queues::deliveries::fan_out(&api.platform)).expect("the fan-out");
    let parcel = api.platform.outside().next_parcel().expect("a message");
    let message = serde_json::to_string(&parcel).expect("a message");
    kit::run(queues::deliveries::deliver(&api.platform, &message)).expect("it is taken");
    assert_eq!(types(&api).len(), 1, "the shared consumer stops after the first attempt");
    assert!(is_alone());
    api.platform.outside().take(10);
    api.deliver();
    assert_eq!(types(&api).len(), 11);
    assert!(!is_alone());
}

#[test]
fn a_host_that_leads_inside_is_not_sent_to() {
    let api = Api::new();
    let outside = api.platform.outside();
    outside.development(false);
    endpoint(&api, "https://rebound.test/", &["*"]);
    outside.resolve("rebound.test", &["1.1.1.1", "10.0.0.1"]);
    customer(&api);
    api.deliver();
    assert_eq!(types(&api), Vec::<String>::new());
    assert_eq!(row(&api, "problem"), "rebound.test leads to an address that is not public.");
    outside.resolve("rebound.test", &["1.1.1.1"]);
    customer(&api);
    api.deliver();
    assert_eq!(types(&api).len(), 1);
}
