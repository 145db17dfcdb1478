//! Looking at deliveries and repairing them: settings, secrets, pages, events that are sent again.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use api::{Answer, Api, Form, cases, invariants};
use domain::webhook::replay::EventReplay;
use futures_util::join;
use kit::{Fault, answered};
use serde_json::{Value, json};
use store::{Row, values};

const URL: &str = "https://shop.test/hooks";

fn endpoint(api: &Api) -> String {
    let form = [("url", URL), ("enabled_events[]", "customer.*")];
    api.post("/v1/webhook_endpoints", &form).ok().id().to_owned()
}

fn settings(api: &Api, endpoint: &str, form: Form<'_>) -> Answer {
    api.post(&format!("/v1/florin/webhook_endpoints/{endpoint}"), form)
}

fn shown(api: &Api, endpoint: &str) -> Value {
    api.get(&format!("/v1/florin/webhook_endpoints/{endpoint}")).ok().body
}

fn customer(api: &Api) -> String {
    api.post("/v1/customers", &[]).ok().id().to_owned()
}

/// The newest event.
fn newest(api: &Api) -> String {
    api.get("/v1/events?limit=1").ok().text_at("/data/0/id").to_owned()
}

/// The ids of the events that arrived since the last look, in the order in which they did.
fn arrived(api: &Api) -> Vec<String> {
    let requests = api.platform.outside().take_requests();
    requests
        .iter()
        .map(|request| {
            let event: Value = serde_json::from_str(request.body()).expect("JSON");
            event["id"].as_str().expect("an id").to_owned()
        })
        .collect()
}

fn fail(api: &Api, fails: impl Fn(&str) -> bool + 'static) {
    api.platform
        .outside()
        .respond(move |request| answered(if fails(request.body()) { 500 } else { 200 }));
}

/// Lets time pass: everything that is due is done, second by second.
fn pass(api: &Api, seconds: i64) {
    for _ in 0..seconds {
        api.platform.advance(1);
        api.beat();
        for row in api.platform.database().query("SELECT id FROM webhook_endpoints", vec![]) {
            let id = row.text("id").expect("an id").to_owned();
            kit::run(flows::Platform::wake_endpoint(&api.platform, &id)).expect("it wakes");
        }
        api.deliver();
    }
}

fn ids(page: &Answer) -> Vec<String> {
    let data = page.body["data"].as_array().expect("a list");
    data.iter().map(|object| object["id"].as_str().expect("an id").to_owned()).collect()
}

/// Walks through a list by pages of two, forwards and back again.
#[track_caller]
fn walked(api: &Api, path: &str) -> Vec<String> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let page = |cursor: &str| api.get(&format!("{path}{separator}limit=2{cursor}")).ok();
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = page(&cursor);
        all.extend(ids(&page));
        if page.body["has_more"] == false {
            break;
        }
        cursor = format!("&starting_after={}", all.last().expect("an id"));
    }
    let mut back: Vec<String> = all.last().cloned().into_iter().collect();
    while let Some(first) = back.first() {
        let page = page(&format!("&ending_before={first}"));
        let more = page.body["has_more"] == true;
        back.splice(0..0, ids(&page));
        if !more {
            break;
        }
    }
    assert_eq!(back, all, "backwards as forwards");
    all
}

#[test]
fn an_endpoint_is_delivered_to_as_its_owner_asks() {
    let api = Api::new();
    let id = endpoint(&api);
    let before = shown(&api, &id);
    assert_eq!(before["object"], "florin.webhook_endpoint");
    assert_eq!(before["ordering"], "none");
    assert_eq!((&before["max_concurrency"], &before["max_per_second"]), (&json!(4), &Value::Null));
    assert_eq!((&before["waiting"], &before["last_succeeded_at"]), (&json!(0), &Value::Null));
    let form = [("ordering", "object"), ("max_concurrency", "2"), ("max_per_second", "10")];
    let changed = settings(&api, &id, &form).ok().body;
    assert_eq!(changed["ordering"], "object");
    assert_eq!((&changed["max_concurrency"], &changed["max_per_second"]), (&json!(2), &json!(10)));
    assert_eq!(shown(&api, &id), changed);
    for (name, value) in [
        ("max_concurrency", "0"),
        ("max_concurrency", "7"),
        ("max_per_second", "1001"),
        ("ordering", "strict"),
    ] {
        assert_eq!(settings(&api, &id, &[(name, value)]).error(400)["param"], name, "{value}");
    }
    let is_alone = || {
        let rows = api.platform.database().query("SELECT * FROM webhook_endpoints", vec![]);
        rows[0].flag("is_alone").expect("a flag")
    };
    assert!(is_alone());
    let form = [("ordering", "none"), ("max_concurrency", ""), ("max_per_second", "")];
    settings(&api, &id, &form).ok();
    api.deliver();
    assert!(!is_alone(), "its object gives back an endpoint that wants nothing particular");
    settings(&api, "we_none", &form).error(404);
    invariants::check_registered(&api.platform);
}

#[test]
fn an_endpoints_health_is_told() {
    let api = Api::new();
    let id = endpoint(&api);
    let start = kit::START.seconds();
    customer(&api);
    api.deliver();
    assert_eq!(shown(&api, &id)["last_succeeded_at"], start);
    fail(&api, |_| true);
    api.platform.advance(10);
    customer(&api);
    api.deliver();
    let failing = shown(&api, &id);
    assert_eq!((&failing["failing_since"], &failing["waiting"]), (&json!(start + 10), &json!(1)));
    assert_eq!(failing["last_failed_at"], start + 10);
    assert_eq!(
        (&failing["status"], &failing["disabled_because"]),
        (&json!("enabled"), &Value::Null)
    );
    // A day later its owner is warned, and two days after that it is disabled.
    for days in [1, 2] {
        api.platform.advance(days * 86_400);
        customer(&api);
        api.deliver();
    }
    let disabled = shown(&api, &id);
    assert_eq!(disabled["status"], "disabled");
    assert_eq!(disabled["disabled_because"], "failing");
    api.post(&format!("/v1/webhook_endpoints/{id}"), &[("disabled", "false")]).ok();
    let mended = shown(&api, &id);
    assert_eq!(
        (&mended["failing_since"], &mended["disabled_because"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn an_owners_change_does_not_undo_what_a_delivery_wrote_meanwhile() {
    let api = Api::new();
    let id = endpoint(&api);
    let database = api.platform.database();
    let find = || {
        let row = database.query("SELECT * FROM webhook_endpoints", vec![]).remove(0);
        domain::webhook::WebhookEndpoint::try_from(&row).expect("an endpoint")
    };
    let mut seen = find();
    let fails = store::webhook_endpoints::leave_alone(&id, kit::START);
    kit::run(store::Database::batch(database, vec![fails])).expect("a failure");
    seen.url = "https://shop.test/new".to_owned();
    let change = store::webhook_endpoints::update(&mut seen).to_vec();
    kit::run(store::Database::batch(database, change)).expect("a change");
    let now = find();
    assert_eq!(now.url, "https://shop.test/new");
    assert_eq!((now.is_alone, now.failing_since), (true, Some(kit::START)));
}

/// Rolls the secret of the only endpoint, of which nobody is told.
fn roll_unheard(api: &Api, path: &str, form: Form<'_>, key: &str) {
    let version = || {
        let rows = api.platform.database().query("SELECT * FROM webhook_endpoints", vec![]);
        rows[0].integer("version").expect("a version")
    };
    let before = version();
    // The key's account, the endpoint, and its change.
    api.platform.database().hop().fail(3, Fault::AfterEffect);
    api.post_once(path, form, key).error(503);
    assert_eq!(version(), before + 1, "it was done");
}

#[test]
fn a_rolled_secret_signs_beside_the_one_before_until_that_ends() {
    let api = Api::new();
    let form = [("url", URL), ("enabled_events[]", "*")];
    let made = api.post("/v1/webhook_endpoints", &form).ok();
    let old = made.text_at("/secret").to_owned();
    let path = format!("/v1/florin/webhook_endpoints/{}/roll", made.id());
    assert_eq!(api.post(&path, &[("expires_in", "86401")]).error(400)["param"], "expires_in");
    // The answer is lost, and asked for again.
    roll_unheard(&api, &path, &[("expires_in", "60")], "roll");
    api.platform.advance(domain::idempotency::LEASE);
    let rolled = api.post_once(&path, &[("expires_in", "60")], "roll").ok();
    let new = rolled.text_at("/secret").to_owned();
    assert_ne!(old, new);
    let ends = kit::START.plus(60).seconds();
    assert_eq!(rolled.body["secret_overlap_ends_at"], ends);
    assert_eq!(shown(&api, made.id()).get("secret"), None, "the secret is told once");
    let signed_by = |secrets: &[&str]| {
        customer(&api);
        api.deliver();
        let requests = api.platform.outside().take_requests();
        let request = requests.first().expect("a delivery");
        let secrets: Vec<_> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        let at = flows::Platform::now(&api.platform);
        let expected = domain::webhook::signature::stripe(&secrets, at, request.body());
        assert_eq!(request.headers()["stripe-signature"], expected.as_str());
    };
    signed_by(&[&old, &new]);
    api.platform.advance(60);
    signed_by(&[&new]);
    let last = api.post(&path, &[]).ok();
    signed_by(&[last.text_at("/secret")]);
}

#[test]
fn a_second_roll_ended_the_secret_in_place_of_whoever_lost_the_answer_of_the_first() {
    let api = Api::new();
    let form = [("url", URL), ("enabled_events[]", "*")];
    let made = api.post("/v1/webhook_endpoints", &form).ok();
    let path = format!("/v1/florin/webhook_endpoints/{}/roll", made.id());
    let mut secrets = vec![made.text_at("/secret").to_owned()];
    let signed_by = |secrets: &[String]| {
        customer(&api);
        api.deliver();
        let requests = api.platform.outside().take_requests();
        let request = requests.first().expect("a delivery");
        let at = flows::Platform::now(&api.platform);
        let expected = domain::webhook::signature::stripe(secrets, at, request.body());
        assert_eq!(request.headers()["stripe-signature"], expected.as_str());
    };
    for _ in 1..5 {
        let rolled = api.post(&path, &[("expires_in", "86400")]).ok();
        secrets.push(rolled.text_at("/secret").to_owned());
        signed_by(&secrets);
    }
    // There is no end to that; nor does one more end what somebody may have in place.
    let refusal = api.post(&path, &[("expires_in", "86400")]).error(400)["message"].to_string();
    assert!(refusal.contains("5 secrets"), "{refusal}");
    signed_by(&secrets);
    let last = api.post(&path, &[]).ok().text_at("/secret").to_owned();
    signed_by(&[last]);
}

#[test]
fn a_roll_whose_answer_was_lost_was_done_again_over_a_later_one() {
    let api = Api::new();
    let form = [("url", URL), ("enabled_events[]", "*")];
    let made = api.post("/v1/webhook_endpoints", &form).ok();
    let path = format!("/v1/florin/webhook_endpoints/{}/roll", made.id());
    let overlap = [("expires_in", "3600")];
    roll_unheard(&api, &path, &overlap, "first");
    let later = api.post_once(&path, &overlap, "second").ok();
    api.platform.advance(domain::idempotency::LEASE);
    let first = api.post_once(&path, &overlap, "first").ok();
    customer(&api);
    api.deliver();
    let requests = api.platform.outside().take_requests();
    let request = requests.first().expect("a delivery");
    let at = flows::Platform::now(&api.platform);
    let secrets = [&made, &first, &later].map(|answer| answer.text_at("/secret").to_owned());
    let expected = domain::webhook::signature::stripe(&secrets, at, request.body());
    assert_eq!(request.headers()["stripe-signature"], expected.as_str(), "each signs once");
    api.platform.advance(3_600);
    customer(&api);
    api.deliver();
    let requests = api.platform.outside().take_requests();
    let request = requests.first().expect("a delivery");
    let at = flows::Platform::now(&api.platform);
    let expected = domain::webhook::signature::stripe(&secrets[2..], at, request.body());
    assert_eq!(request.headers()["stripe-signature"], expected.as_str(), "the newest one stays");
}

#[test]
fn an_objects_events_arrive_in_sequence_and_hold_up_no_other_object() {
    let api = Api::new();
    let id = endpoint(&api);
    settings(&api, &id, &[("ordering", "object")]).ok();
    let (first, second) = (customer(&api), customer(&api));
    let failing = first.clone();
    let left = Rc::new(Cell::new(2_usize));
    let fails = Rc::clone(&left);
    fail(&api, move |body| {
        let event: Value = serde_json::from_str(body).expect("JSON");
        let is_first = event["data"]["object"]["id"] == failing.as_str()
            && event["type"] == "customer.created";
        is_first && fails.replace(fails.get().saturating_sub(1)) > 0
    });
    for name in ["Ada", "Grace"] {
        for customer in [&first, &second] {
            api.post(&format!("/v1/customers/{customer}"), &[("name", name)]).ok();
        }
    }
    api.deliver();
    let of = |requests: &[http::Request<String>], customer: &str| -> Vec<String> {
        let events = requests.iter().map(|request| {
            let event: Value = serde_json::from_str(request.body()).expect("JSON");
            let name = event["data"]["object"]["name"].as_str().unwrap_or("-").to_owned();
            (event["data"]["object"]["id"].as_str().expect("an id").to_owned(), name)
        });
        events.filter(|(id, _)| id == customer).map(|(_, name)| name).collect()
    };
    let requests = api.platform.outside().take_requests();
    assert_eq!(of(&requests, &first), ["-"], "the later ones wait for the first, which fails");
    assert_eq!(of(&requests, &second), ["-", "Ada", "Grace"], "another object goes on");
    pass(&api, 10);
    let requests = api.platform.outside().take_requests();
    assert_eq!(of(&requests, &first), ["-", "-", "Ada", "Grace"]);
    // What is tried in vain for good lets the later ones go on.
    left.set(usize::MAX);
    let stuck = customer(&api);
    let failing = stuck.clone();
    fail(&api, move |body| body.contains(&failing) && body.contains("customer.created"));
    api.post(&format!("/v1/customers/{stuck}"), &[("name", "Ada")]).ok();
    pass(&api, 500);
    let requests = api.platform.outside().take_requests();
    assert_eq!(of(&requests, &stuck), ["-", "-", "-", "-", "-", "-", "Ada"]);
}

#[test]
fn no_more_is_delivered_at_a_time_than_an_endpoint_takes() {
    let api = Api::new();
    let id = endpoint(&api);
    settings(&api, &id, &[("max_per_second", "2")]).ok();
    for _ in 0..5 {
        customer(&api);
    }
    kit::run(queues::deliveries::fan_out(&api.platform)).expect("the fan-out");
    let round = || kit::run(flows::webhooks::deliver_alone(&api.platform, &id)).expect("a round");
    use flows::webhooks::Next;
    assert_eq!((round(), arrived(&api).len()), (Next::After(1_000), 2));
    settings(&api, &id, &[("max_per_second", "100"), ("max_concurrency", "1")]).ok();
    assert_eq!((round(), arrived(&api).len()), (Next::After(10), 1));
    settings(&api, &id, &[("max_per_second", ""), ("max_concurrency", "6")]).ok();
    assert_eq!((round(), arrived(&api).len()), (Next::After(0), 2));
}

#[test]
fn deliveries_are_listed_by_endpoint_event_status_and_time() {
    let api = Api::new();
    let (good, bad) = (endpoint(&api), endpoint(&api));
    let form = [("url", "https://bad.test/"), ("enabled_events[]", "customer.created")];
    api.post(&format!("/v1/webhook_endpoints/{bad}"), &form).ok();
    api.platform.outside().respond(|request| {
        answered(if request.uri().host() == Some("bad.test") { 500 } else { 200 })
    });
    for _ in 0..3 {
        customer(&api);
        api.deliver();
        api.platform.advance(100);
    }
    let event = newest(&api);
    // The first attempts of the last are still on their way.
    customer(&api);
    kit::run(queues::deliveries::fan_out(&api.platform)).expect("the fan-out");
    let list = |query: &str| walked(&api, &format!("/v1/florin/webhook_deliveries?{query}"));
    let all = list("");
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (8, 8));
    let of_good = list(&format!("webhook_endpoint={good}"));
    assert_eq!(of_good.len(), 4);
    assert!(of_good.iter().all(|id| all.contains(id)));
    assert_eq!(list(&format!("event={event}")).len(), 2);
    assert_eq!(list(&format!("event={event}&webhook_endpoint={good}")).len(), 1);
    assert_eq!(list("status=succeeded"), of_good[1..]);
    assert_eq!(list("status=pending").len(), 5);
    assert_eq!(list(&format!("status=pending&webhook_endpoint={good}")), of_good[..1]);
    assert_eq!(list("status=failed"), Vec::<String>::new());
    let later = kit::START.plus(100).seconds();
    assert_eq!(list(&format!("created[gte]={later}")).len(), 6);
    assert_eq!(list(&format!("created[lt]={later}")).len(), 2);
    assert_eq!(list("webhook_endpoint=we_none"), Vec::<String>::new());
    assert_eq!(list("event=evt_none"), Vec::<String>::new());
    let unknown = api.get("/v1/florin/webhook_deliveries?starting_after=whd_1_2");
    assert_eq!(unknown.error(400)["param"], "starting_after");
    assert_eq!(api.get("/v1/florin/webhook_deliveries?status=odd").error(400)["param"], "status");
    pass(&api, 500);
    assert_eq!(list("status=failed").len(), 4);
    assert_eq!(list("status=pending"), Vec::<String>::new());
    let shown = api.get("/v1/florin/webhook_deliveries?limit=1").ok();
    let shown = &shown.body["data"][0];
    assert_eq!(shown["object"], "florin.webhook_delivery");
    assert_eq!(shown.get("attempts"), None);
    invariants::check_registered(&api.platform);
}

#[test]
fn a_delivery_shows_what_came_of_each_attempt() {
    let api = Api::new();
    let id = endpoint(&api);
    let fails = Rc::new(Cell::new(true));
    let is_failing = Rc::clone(&fails);
    fail(&api, move |_| is_failing.get());
    customer(&api);
    api.deliver();
    let deliveries = api.get("/v1/florin/webhook_deliveries").ok();
    let path = format!("/v1/florin/webhook_deliveries/{}", deliveries.text_at("/data/0/id"));
    let failing = api.get(&path).ok().body;
    assert_eq!((&failing["status"], &failing["attempt_count"]), (&json!("pending"), &json!(1)));
    assert!(failing["next_attempt_at"].as_i64() > Some(kit::START.seconds()));
    assert_eq!(failing["attempts"].as_array().map(Vec::len), Some(1));
    assert_eq!(failing["last_attempt"], failing["attempts"][0]);
    assert_eq!(failing["last_attempt"]["status_code"], 500);
    assert_eq!(failing["last_attempt"]["duration"], 10);
    fails.set(false);
    pass(&api, 5);
    let taken = api.get(&path).ok().body;
    assert_eq!((&taken["status"], &taken["next_attempt_at"]), (&json!("succeeded"), &Value::Null));
    let codes: Vec<_> = taken["attempts"]
        .as_array()
        .expect("attempts")
        .iter()
        .map(|attempt| attempt["status_code"].as_i64())
        .collect();
    assert_eq!(codes, [Some(200), Some(500)]);
    assert_eq!(taken["webhook_endpoint"], id.as_str());
    for missing in ["whd_1_2", "whd_", "nope"] {
        api.get(&format!("/v1/florin/webhook_deliveries/{missing}")).error(404);
    }
}

#[test]
fn events_are_listed_by_whether_every_endpoint_took_them() {
    let api = Api::new();
    endpoint(&api);
    let bad = endpoint(&api);
    let form = [("url", "https://bad.test/"), ("enabled_events[]", "customer.created")];
    api.post(&format!("/v1/webhook_endpoints/{bad}"), &form).ok();
    let fails = Rc::new(Cell::new(true));
    let is_failing = Rc::clone(&fails);
    api.platform.outside().respond(move |request| {
        let is_bad = request.uri().host() == Some("bad.test") && is_failing.get();
        answered(if is_bad { 500 } else { 200 })
    });
    let customer = customer(&api);
    let failed = newest(&api);
    for name in ["Ada", "Grace", "Joan"] {
        api.post(&format!("/v1/customers/{customer}"), &[("name", name)]).ok();
    }
    let pending = |id: &str| {
        let shown = api.get(&format!("/v1/events/{id}")).ok().body["pending_webhooks"].clone();
        let list = api.get("/v1/events").ok();
        let listed = list.body["data"].as_array().expect("a list").iter();
        let mut listed = listed.filter(|event| event["id"] == id);
        assert_eq!(listed.next().expect("it is listed")["pending_webhooks"], shown);
        shown
    };
    let by = |query: &str| walked(&api, &format!("/v1/events?delivery_success={query}"));
    // Nobody has handed them out: each waits for the endpoints that will hear of it.
    assert_eq!(pending(&failed), 2);
    assert_eq!((by("false").len(), by("true").len()), (4, 0));
    assert_eq!(by("false&type=customer.created"), vec![failed.clone()]);
    kit::run(queues::deliveries::fan_out(&api.platform)).expect("the fan-out");
    assert_eq!(pending(&failed), 2);
    assert_eq!((by("false").len(), by("true").len()), (4, 0));
    let page = api.get("/v1/events?delivery_success=false&limit=4").ok();
    assert_eq!((ids(&page).len(), &page.body["has_more"]), (4, &json!(false)), "each event is one");
    api.platform.outside().take_announced();
    api.deliver();
    assert_eq!(pending(&failed), 1);
    assert_eq!((by("false"), by("true").len()), (vec![failed.clone()], 3));
    assert_eq!(by("false&type=customer.updated"), Vec::<String>::new());
    assert_eq!(by("true&types[]=customer.updated&types[]=customer.created").len(), 3);
    pass(&api, 500);
    assert_eq!(pending(&failed), 1, "it has failed for good");
    assert_eq!((by("false"), by("true").len()), (vec![failed.clone()], 3));
    fails.set(false);
    let form = [("webhook_endpoint", bad.as_str())];
    api.post(&format!("/v1/events/{failed}/retry"), &form).ok();
    api.deliver();
    assert_eq!(pending(&failed), 0);
    assert_eq!((by("false").len(), by("true").len()), (0, 4));
    let unknown = api.get("/v1/events?delivery_success=false&ending_before=evt_none");
    assert_eq!(unknown.error(400)["message"], "No such event: 'evt_none'");
    invariants::check_registered(&api.platform);
}

#[test]
fn events_are_listed_for_thirty_days() {
    let api = Api::new();
    customer(&api);
    let first = newest(&api);
    api.platform.advance(30 * 86_400);
    assert_eq!(ids(&api.get("/v1/events").ok()), [first]);
    api.platform.advance(1);
    assert_eq!(ids(&api.get("/v1/events").ok()), Vec::<String>::new());
}

#[test]
fn an_event_is_sent_again_whatever_became_of_it() {
    let api = Api::new();
    let id = endpoint(&api);
    let fails = Rc::new(Cell::new(false));
    let is_failing = Rc::clone(&fails);
    fail(&api, move |_| is_failing.get());
    let form = [("webhook_endpoint", id.as_str())];
    let retry = |event: &str| api.post(&format!("/v1/events/{event}/retry"), &form);
    // It arrived.
    customer(&api);
    let delivered = newest(&api);
    api.deliver();
    let answer = retry(&delivered).ok();
    assert_eq!((answer.id(), &answer.body["pending_webhooks"]), (delivered.as_str(), &json!(1)));
    api.deliver();
    assert_eq!(arrived(&api), [delivered.clone(), delivered.clone()], "with the same id");
    let delivery = api.get(&format!("/v1/florin/webhook_deliveries?event={delivered}")).ok();
    let path = format!("/v1/florin/webhook_deliveries/{}", delivery.text_at("/data/0/id"));
    let shown = api.get(&path).ok().body;
    assert_eq!(shown["attempts"].as_array().map(Vec::len), Some(2), "the first is kept, too");
    // It was tried in vain for good; sent again it has a schedule of its own.
    fails.set(true);
    customer(&api);
    let exhausted = newest(&api);
    api.deliver();
    pass(&api, 500);
    assert_eq!(arrived(&api).len(), 6);
    retry(&exhausted).ok();
    api.deliver();
    fails.set(false);
    pass(&api, 5);
    assert_eq!(arrived(&api), [exhausted.clone(), exhausted.clone()]);
    // Its endpoint was disabled when it happened, and is enabled now.
    let path = format!("/v1/webhook_endpoints/{id}");
    api.post(&path, &[("disabled", "true")]).ok();
    customer(&api);
    let missed = newest(&api);
    pass(&api, 2);
    assert!(retry(&missed).error(400)["message"].to_string().contains("disabled"));
    api.post(&path, &[("disabled", "false")]).ok();
    retry(&missed).ok();
    api.deliver();
    assert_eq!(arrived(&api), [missed]);
    // Nobody has handed it out.
    customer(&api);
    let fresh = newest(&api);
    retry(&fresh).ok();
    api.deliver();
    assert_eq!(arrived(&api), vec![fresh.clone()]);
    for (event, endpoint, param) in
        [("evt_none", id.as_str(), "id"), (fresh.as_str(), "we_none", "webhook_endpoint")]
    {
        let answer =
            api.post(&format!("/v1/events/{event}/retry"), &[("webhook_endpoint", endpoint)]);
        let status = if param == "id" { 404 } else { 400 };
        assert_eq!(answer.error(status)["param"], param);
    }
    let nowhere = api.post(&format!("/v1/events/{fresh}/retry"), &[("for_stripecli", "true")]);
    assert_eq!(nowhere.error(400)["param"], "webhook_endpoint");
    invariants::check_registered(&api.platform);
}

#[test]
fn a_request_to_send_again_sends_once_however_often_it_is_made() {
    for lost in 1..=4 {
        let api = Api::new();
        let id = endpoint(&api);
        customer(&api);
        let event = newest(&api);
        api.deliver();
        arrived(&api);
        let form = [("webhook_endpoint", id.as_str())];
        let path = format!("/v1/events/{event}/retry");
        api.platform.database().hop().fail(lost, Fault::AfterEffect);
        api.post_once(&path, &form, "again").error(503);
        assert_eq!(api.platform.database().hop().faults_left(), 0);
        api.deliver();
        api.platform.advance(domain::idempotency::LEASE);
        api.post_once(&path, &form, "again").ok();
        api.post_once(&path, &form, "again").ok();
        api.deliver();
        assert_eq!(arrived(&api), [event], "the answer of batch {lost} is lost");
    }
}

/// Writes events into the past, so many a second, and has them delivered.
fn history(api: &Api, events: i64, per_second: i64) {
    let sql = "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers \
               WHERE n < CAST(?3 AS INTEGER) - 1) \
               INSERT INTO events (id, account, livemode, created, type, object, data, api_version) \
               SELECT 'evt_' || n, ?1, 0, CAST(?2 AS INTEGER) + n / CAST(?4 AS INTEGER), \
               'customer.updated', 'cus_' || n, '{\"object\":{\"id\":\"cus_' || n || '\"}}', 'v' \
               FROM numbers";
    let now = flows::Platform::now(&api.platform).seconds();
    let account = api.merchant.account.as_str();
    api.platform.database().query(sql, values![account, now, events, per_second]);
    api.platform.advance(events / per_second + 1);
    while kit::run(queues::deliveries::fan_out(&api.platform)).expect("the fan-out") {}
    api.deliver();
}

fn counted(api: &Api) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for event in arrived(api) {
        *counts.entry(event).or_default() += 1;
    }
    counts
}

fn replay(api: &Api, form: Form<'_>) -> Answer {
    api.post("/v1/florin/event_replays", form)
}

fn replay_shown(api: &Api, replay: &Answer) -> Value {
    api.get(&format!("/v1/florin/event_replays/{}", replay.id())).ok().body
}

#[test]
fn scenario_43_a_hundred_thousand_events_are_replayed_twice() {
    // In the edit loop so many that one look does not count them all.
    let events: usize = cases(12_000, 100_000);
    let api = Api::new();
    let id = endpoint(&api);
    history(&api, i64::try_from(events).expect("a number"), 1_000);
    assert_eq!(counted(&api).len(), events);
    let form = [("webhook_endpoint", id.as_str()), ("max_per_second", "1000")];
    let count = replay(&api, &[&form[..], &[("dry_run", "true")]].concat()).ok();
    assert_eq!(count.body["status"], "pending", "the heartbeat goes on counting");
    for key in ["one", "two"] {
        let made = api.post_once("/v1/florin/event_replays", &form, key).ok();
        assert_eq!(made.body["status"], "pending");
        api.post_once("/v1/florin/event_replays", &form, key).ok();
        let mut left = 200;
        while replay_shown(&api, &made)["status"] == "pending" && left > 0 {
            pass(&api, 1);
            left -= 1;
        }
        pass(&api, 15);
        let counts = counted(&api);
        assert_eq!(counts.len(), events, "{key}");
        assert!(counts.values().all(|count| *count == 1), "{key}");
        assert_eq!(replay_shown(&api, &made)["count"], events);
    }
    let count = replay_shown(&api, &count);
    assert_eq!((&count["count"], &count["status"]), (&json!(events), &json!("succeeded")));
    invariants::check_registered(&api.platform);
}

#[test]
fn a_replay_sends_no_more_in_a_second_than_was_asked_for() {
    let api = Api::new();
    let id = endpoint(&api);
    history(&api, 100, 100);
    arrived(&api);
    let form = [("webhook_endpoint", id.as_str()), ("max_per_second", "7")];
    replay(&api, &form).ok();
    api.deliver();
    let mut counts = vec![arrived(&api).len()];
    for _ in 0..20 {
        pass(&api, 1);
        counts.push(arrived(&api).len());
    }
    assert_eq!(counts.iter().sum::<usize>(), 100);
    assert!(counts.iter().all(|count| *count <= 7), "{counts:?}");
}

#[test]
fn a_replay_finds_what_was_asked_for() {
    let api = Api::new();
    let id = endpoint(&api);
    let fails = Rc::new(Cell::new(true));
    let is_failing = Rc::clone(&fails);
    fail(&api, move |_| is_failing.get());
    let made = customer(&api);
    api.deliver();
    pass(&api, 500);
    fails.set(false);
    api.post(&format!("/v1/customers/{made}"), &[("name", "Ada")]).ok();
    api.deliver();
    arrived(&api);
    let from = flows::Platform::now(&api.platform).seconds().to_string();
    let found = |more: Form<'_>| {
        let form = [&[("webhook_endpoint", id.as_str())], more].concat();
        let dry = replay(&api, &[&form[..], &[("dry_run", "true")]].concat()).ok();
        assert_eq!(dry.body["status"], "succeeded");
        api.deliver();
        assert_eq!(arrived(&api), Vec::<String>::new(), "counting sends nothing");
        dry.body["count"].as_i64().expect("a count")
    };
    assert_eq!(found(&[]), 2);
    assert_eq!(found(&[("created[gte]", &from)]), 1);
    assert_eq!(found(&[("created[lt]", &from)]), 1);
    assert_eq!(found(&[("types[]", "customer.created")]), 1);
    assert_eq!(found(&[("types[]", "charge.*")]), 0, "it does not hear of them");
    assert_eq!(found(&[("delivery_success", "true")]), 1);
    assert_eq!(found(&[("delivery_success", "false")]), 1);
    let form = [("webhook_endpoint", id.as_str()), ("delivery_success", "false")];
    let sent = replay(&api, &form).ok();
    assert_eq!((&sent.body["count"], &sent.body["status"]), (&json!(1), &json!("succeeded")));
    api.deliver();
    assert_eq!(arrived(&api).len(), 1);
    assert_eq!(found(&[("delivery_success", "false")]), 0);
    let refused = |form: Form<'_>, param: &str| {
        assert_eq!(replay(&api, form).error(400)["param"], param);
    };
    refused(&[("webhook_endpoint", "we_none")], "webhook_endpoint");
    refused(&[("webhook_endpoint", &id), ("max_per_second", "0")], "max_per_second");
    refused(&[("webhook_endpoint", &id), ("types[]", "odd")], "types");
    api.get("/v1/florin/event_replays/evr_none").error(404);
}

#[test]
fn a_replay_that_dies_anywhere_sends_each_event_once() {
    // In two steps: the first plans far enough ahead.
    for polls in (1..200).step_by(cases(3, 1)) {
        let api = Api::new();
        let id = endpoint(&api);
        history(&api, 600, 600);
        arrived(&api);
        let form = [("webhook_endpoint", id.as_str()), ("max_per_second", "40")];
        api.platform.yields(true);
        let asked = api.posting("/v1/florin/event_replays", &form, Some("replay"));
        let ended = kit::run_until_poll(polls, asked).is_some();
        api.platform.yields(false);
        api.platform.outside().lose_messages();
        api.platform.advance(domain::idempotency::LEASE);
        // Both the heartbeat and the client go on.
        api.beat();
        api.post_once("/v1/florin/event_replays", &form, "replay").ok();
        pass(&api, 20);
        let counts = counted(&api);
        assert_eq!(counts.len(), 600, "after {polls} polls");
        assert!(counts.values().all(|count| *count == 1), "after {polls} polls");
        if ended {
            return;
        }
    }
    panic!("it does not end");
}

#[test]
fn two_that_go_on_with_a_replay_at_once_send_each_event_once() {
    let api = Api::new();
    let id = endpoint(&api);
    history(&api, 600, 600);
    arrived(&api);
    let form = [("webhook_endpoint", id.as_str()), ("max_per_second", "40")];
    let made = replay(&api, &form).ok();
    api.platform.yields(true);
    let scope = store::Scope { account: api.merchant.account.clone(), livemode: false };
    let context = || flows::Context::unattended(&api.platform, scope.clone());
    let (one, two) = (context(), context());
    let go = |context| flows::webhooks::replay(context, made.id());
    let ended = kit::run(async { join!(go(&one), go(&two)) });
    assert_eq!(ended, (Ok(()), Ok(())));
    api.platform.yields(false);
    let version = |row: &Row| row.integer("version").expect("a version");
    let row = api.platform.database().query("SELECT * FROM event_replays", vec![]).remove(0);
    assert_eq!(version(&row), 3, "one of the two did the second step");
    // One that read it before that step comes late.
    let mut stale = EventReplay::try_from(&row).expect("a replay");
    stale.version = 2;
    let late = store::event_replays::update(&mut stale).to_vec();
    let late = kit::run(store::Database::batch(api.platform.database(), late));
    assert!(matches!(late, Err(store::DatabaseError::Guard(_))), "{late:?}");
    pass(&api, 20);
    let counts = counted(&api);
    assert_eq!(counts.len(), 600);
    assert!(counts.values().all(|count| *count == 1));
}

#[test]
fn a_replay_ends_when_its_endpoint_is_disabled() {
    let api = Api::new();
    let id = endpoint(&api);
    history(&api, 1_600, 1_600);
    arrived(&api);
    let form = [("webhook_endpoint", id.as_str()), ("max_per_second", "100")];
    let made = replay(&api, &form).ok();
    api.post(&format!("/v1/webhook_endpoints/{id}"), &[("disabled", "true")]).ok();
    pass(&api, 20);
    assert_eq!(replay_shown(&api, &made)["status"], "failed");
    assert_eq!(arrived(&api), Vec::<String>::new());
    let refused = replay(&api, &form);
    assert!(refused.error(400)["message"].to_string().contains("disabled"));
}

#[test]
fn events_are_read_where_an_endpoint_names_a_type_longer_than_fifty_bytes() {
    let api = Api::new();
    let cases = [
        ("financial_connections.account.supported_payment_method_types_updated", 0),
        ("customer.created", 1),
        ("customer.*", 1),
        ("*", 1),
        ("customer.create", 0),
        ("customer.created.later", 0),
        ("charge.*", 0),
    ];
    for (pattern, _) in cases {
        let id = endpoint(&api);
        let name = "UPDATE webhook_endpoints \
                    SET details = json_set(details, '$.enabled_events', json_array(?2)) WHERE id = ?1";
        api.platform.database().query(name, values![id.as_str(), pattern]);
    }
    customer(&api);
    let expected = cases.iter().map(|(_, hears)| hears).sum::<usize>();
    // Nothing is handed out yet, so that the patterns tell.
    let shown = api.get(&format!("/v1/events/{}", newest(&api))).ok().body;
    assert_eq!(shown["pending_webhooks"], expected);
    api.deliver();
    assert_eq!(arrived(&api).len(), expected);
}

#[test]
fn what_was_lost_is_planned_at_once_however_much_it_is() {
    let api = Api::new();
    let ids = [endpoint(&api), endpoint(&api)];
    let database = api.platform.database();
    // The queue lost the messages of so many events.
    for id in &ids {
        database.query(
            "WITH RECURSIVE numbers (n) AS \
             (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1600) \
             INSERT INTO deliveries (endpoint, event, created, state, attempts) \
             SELECT ?1, n, CAST(?2 AS INTEGER), 'pending', 0 FROM numbers",
            values![id.as_str(), kit::START.seconds()],
        );
    }
    let lost = || {
        let count = "SELECT COUNT(*) AS lost FROM deliveries WHERE next_attempt_at IS NULL";
        database.query(count, vec![])[0].integer("lost").expect("a number")
    };
    api.platform.advance(301);
    for _ in 0..6 {
        api.beat();
    }
    assert_eq!(lost(), 0, "in a minute's search, as fast as the heart beats");
    let cursor = &database.query("SELECT * FROM fan_out", vec![])[0];
    assert_eq!(cursor.integer("searched_at"), Ok(kit::START.seconds() + 301), "it has ended");
}

#[test]
fn what_nobody_needs_any_more_of_deleted_endpoints_and_replays_is_removed() {
    let api = Api::new();
    let (gone, kept) = (endpoint(&api), endpoint(&api));
    customer(&api);
    api.deliver();
    let form = [("webhook_endpoint", kept.as_str())];
    let replay = api.post("/v1/florin/event_replays", &form).ok().id().to_owned();
    api.deliver();
    api.delete(&format!("/v1/webhook_endpoints/{gone}")).ok();
    let count = |table: &str| {
        api.platform.database().query(&format!("SELECT 1 AS one FROM {table}"), vec![]).len()
    };
    let counts = || ["webhook_endpoints", "event_replays", "deliveries"].map(count);
    let pass = |seconds: i64| {
        api.platform.advance(seconds);
        customer(&api);
        api.deliver();
        for _ in 0..5 {
            api.beat();
        }
    };
    pass(60);
    api.delete(&format!("/v1/webhook_endpoints/{gone}")).ok();
    assert_eq!(counts(), [2, 1, 3]);
    pass(33 * 86_400);
    assert_eq!(counts(), [2, 1, 1], "events leave before what tells of them");
    api.get(&format!("/v1/florin/event_replays/{replay}")).ok();
    pass(86_400);
    assert_eq!(counts(), [1, 0, 2]);
    api.get(&format!("/v1/florin/event_replays/{replay}")).error(404);
    api.delete(&format!("/v1/webhook_endpoints/{gone}")).error(404);
    assert_eq!(shown(&api, &kept)["status"], "enabled");
    invariants::check_registered(&api.platform);
}
