//! Webhooks when rows cannot be read, endpoints fail, and two do the same at once: each test is named after what
//! went wrong once.

use std::cell::Cell;
use std::rc::Rc;

use api::{Api, Form};
use domain::timestamp::{DAY, Timestamp};
use flows::platform::Answered;
use flows::webhooks::{Next, deliver_alone};
use kit::{Fault, answered, run, take_turns};
use serde_json::{Value, json};
use store::{Row, values};

const URL: &str = "https://shop.test/hooks";

fn endpoint(api: &Api, url: &str) -> String {
    let form = [("url", url), ("enabled_events[]", "customer.*")];
    api.post("/v1/webhook_endpoints", &form).ok().id().to_owned()
}

fn settings(api: &Api, endpoint: &str, form: Form<'_>) {
    api.post(&format!("/v1/florin/webhook_endpoints/{endpoint}"), form).ok();
}

fn customer(api: &Api) -> String {
    api.post("/v1/customers", &[]).ok().id().to_owned()
}

/// Where deliveries went since the last look.
fn went(api: &Api) -> Vec<String> {
    let requests = api.platform.outside().take_requests();
    requests.iter().map(|request| request.uri().to_string()).collect()
}

fn query(api: &Api, sql: &str, values: Vec<store::Value>) -> Vec<Row> {
    api.platform.database().query(sql, values)
}

fn deliveries(api: &Api, endpoint: &str) -> Vec<Row> {
    query(api, "SELECT * FROM deliveries WHERE endpoint = ?1 ORDER BY event", values![endpoint])
}

fn kept(api: &Api, endpoint: &str, column: &'static str) -> Value {
    let rows = query(api, "SELECT * FROM webhook_endpoints WHERE id = ?1", values![endpoint]);
    rows[0].0[column].clone()
}

fn status(api: &Api, endpoint: &str) -> String {
    let shown = api.get(&format!("/v1/webhook_endpoints/{endpoint}")).ok();
    shown.text_at("/status").to_owned()
}

/// What Florin told of endpoints.
fn told(api: &Api) -> Vec<String> {
    api.event_types().into_iter().filter(|name| name.starts_with("florin.")).collect()
}

fn fail(api: &Api) {
    api.platform.outside().respond(|_| answered(500));
}

/// Lets time pass: everything that is due is done, minute by minute.
fn pass(api: &Api, minutes: i64) {
    for _ in 0..minutes {
        api.platform.advance(61);
        api.beat();
        api.deliver();
    }
}

/// The next message of the queue, as the consumer has it.
fn message(api: &Api) -> String {
    let parcel = api.platform.outside().next_parcel().expect("a message");
    serde_json::to_string(&parcel).expect("a message")
}

fn fan_out(api: &Api) {
    run(queues::deliveries::fan_out(&api.platform)).expect("the fan-out");
}

#[test]
fn an_endpoint_that_cannot_be_read_keeps_no_other_from_its_events() {
    let api = Api::new();
    let broken = endpoint(&api, "https://broken.test/");
    endpoint(&api, "https://well.test/");
    let details = kept(&api, &broken, "details");
    let damage = "UPDATE webhook_endpoints SET details = ?2 WHERE id = ?1";
    query(&api, damage, values![broken.as_str(), "no JSON"]);
    customer(&api);
    api.deliver();
    assert_eq!(went(&api), ["https://well.test/"]);
    let failed = &deliveries(&api, &broken)[0];
    assert_eq!(failed.text("state"), Ok("failed"));
    assert!(failed.text("problem").expect("a problem").contains("details"), "{failed:?}");
    query(&api, damage, values![broken.as_str(), details.as_str().expect("a text")]);
    let form = [("webhook_endpoint", broken.as_str()), ("delivery_success", "false")];
    api.post("/v1/florin/event_replays", &form).ok();
    api.deliver();
    assert_eq!(went(&api), ["https://broken.test/"]);
}

#[test]
fn an_endpoint_that_can_no_longer_be_read_gets_its_events_when_it_is_mended() {
    let api = Api::new();
    let broken = endpoint(&api, URL);
    let details = kept(&api, &broken, "details");
    customer(&api);
    fan_out(&api);
    let damage = "UPDATE webhook_endpoints SET details = ?2 WHERE id = ?1";
    query(&api, damage, values![broken.as_str(), "no JSON"]);
    run(queues::deliveries::deliver(&api.platform, &message(&api))).expect("it is taken");
    api.deliver();
    let waiting = &deliveries(&api, &broken)[0];
    assert_eq!((waiting.text("state"), waiting.integer("attempts")), (Ok("pending"), Ok(1)));
    assert!(waiting.text("problem").expect("a problem").contains("details"), "{waiting:?}");
    query(&api, damage, values![broken.as_str(), details.as_str().expect("a text")]);
    pass(&api, 3);
    assert_eq!(went(&api), [URL]);
}

#[test]
fn an_event_that_cannot_be_read_keeps_no_other_from_its_endpoint() {
    let api = Api::new();
    let made = endpoint(&api, URL);
    customer(&api);
    // One of nobody's, and one that holds what no event does.
    let copy = "INSERT INTO events (id, account, livemode, created, type, object, data, api_version) \
         SELECT ?1, COALESCE(?2, account), livemode, created, type, object, 'no JSON', api_version \
         FROM events WHERE sequence = 1";
    query(&api, copy, values!["evt_nobodys", Some("nobody")]);
    query(&api, copy, values!["evt_damaged", None::<&str>]);
    api.deliver();
    assert_eq!(went(&api).len(), 1);
    let rows = deliveries(&api, &made);
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1].integer("attempts"), Ok(1), "it is counted");
    assert!(rows[1].text("problem").expect("a problem").contains("data"), "{:?}", rows[1]);
    assert_eq!(kept(&api, &made, "failing_since"), Value::Null, "the endpoint is not to blame");
    pass(&api, 20);
    assert_eq!(deliveries(&api, &made)[1].text("state"), Ok("failed"));
}

#[test]
fn a_secret_that_cannot_be_opened_counts_each_attempt_until_it_is_rolled() {
    let api = Api::new();
    let made = endpoint(&api, URL);
    let damage = "UPDATE webhook_endpoints SET \
         details = json_set(details, '$.secrets[0].sealed', 'v1.AAAA.AAAA') WHERE id = ?1";
    query(&api, damage, values![made.as_str()]);
    customer(&api);
    api.deliver();
    let waiting = &deliveries(&api, &made)[0];
    assert_eq!((waiting.text("state"), waiting.integer("attempts")), (Ok("pending"), Ok(1)));
    assert!(waiting.text("problem").expect("a problem").contains("secret"), "{waiting:?}");
    assert_eq!(kept(&api, &made, "failing_since"), Value::Null, "the endpoint is not to blame");
    api.post(&format!("/v1/florin/webhook_endpoints/{made}/roll"), &[]).ok();
    pass(&api, 3);
    assert_eq!(went(&api), [URL]);
}

#[test]
fn a_fan_out_that_fails_keeps_no_dead_letter_from_being_tried_again() {
    let api = Api::new();
    endpoint(&api, URL);
    customer(&api);
    fan_out(&api);
    let letter = "INSERT INTO dead_letters \
         (queue, body, problem, count, first_parked_at, last_parked_at, redrive) \
         VALUES ('deliveries', ?1, 'it was away', 1, 0, 0, 1)";
    query(&api, letter, values![message(&api)]);
    query(&api, "DELETE FROM fan_out", values![]);
    api.beat();
    run(queues::deliveries::deliver(&api.platform, &message(&api))).expect("it is taken");
    assert_eq!(went(&api), [URL]);
}

/// An endpoint that wants an object's events in order: the second one waits for the first, which failed.
fn one_waits_for_another(api: &Api) -> String {
    let made = endpoint(api, URL);
    settings(api, &made, &[("ordering", "object")]);
    fail(api);
    let id = customer(api);
    api.post(&format!("/v1/customers/{id}"), &[("name", "Jo")]).ok();
    api.deliver();
    made
}

#[test]
fn what_waits_behind_an_earlier_event_of_its_object_had_its_endpoint_looked_at_every_second() {
    let api = Api::new();
    let made = one_waits_for_another(&api);
    let rows = deliveries(&api, &made);
    assert_eq!(rows.len(), 2);
    let next = Timestamp(rows[0].integer("next_attempt_at").expect("a moment"));
    assert!(rows[1].integer("next_attempt_at").expect("a moment") > next.seconds());
    assert_eq!(run(deliver_alone(&api.platform, &made)), Ok(Next::At(next)));
}

/// An endpoint is given back to the consumer, and something happens to it meanwhile: it stays alone.
fn stays_alone_against(meanwhile: impl AsyncFn(&Api, &str)) {
    for polls in 1..20 {
        let api = Api::new();
        let made = endpoint(&api, URL);
        query(&api, "UPDATE webhook_endpoints SET is_alone = 1", values![]);
        api.platform.yields(true);
        take_turns(
            &[(0, polls), (1, 1)],
            vec![
                Box::pin(async {
                    deliver_alone(&api.platform, &made).await.map(drop).expect("it rests")
                }),
                Box::pin(meanwhile(&api, &made)),
            ],
        );
        api.platform.yields(false);
        assert_eq!(kept(&api, &made, "is_alone"), json!(1), "after {polls} polls");
    }
}

#[test]
fn an_endpoint_that_asks_for_order_while_it_is_given_back_stays_alone() {
    stays_alone_against(async |api, made| settings(api, made, &[("ordering", "object")]));
}

#[test]
fn an_endpoint_that_fails_while_it_is_given_back_stays_alone() {
    stays_alone_against(async |api, _| {
        let fails = "UPDATE webhook_endpoints SET is_alone = 1, failing_since = 1";
        query(api, fails, values![]);
    });
}

#[test]
fn a_consumer_leaves_an_ordered_endpoint_to_its_object_whatever_its_row_says() {
    let api = Api::new();
    let made = endpoint(&api, URL);
    customer(&api);
    fan_out(&api);
    settings(&api, &made, &[("ordering", "object")]);
    query(&api, "UPDATE webhook_endpoints SET is_alone = 0", values![]);
    run(queues::deliveries::deliver(&api.platform, &message(&api))).expect("it is taken");
    assert_eq!(went(&api), Vec::<String>::new());
    api.deliver();
    assert_eq!(went(&api), [URL]);
}

#[test]
fn an_endpoint_that_failed_once_after_quiet_days_is_warned_and_not_disabled() {
    let api = Api::new();
    let made = endpoint(&api, URL);
    fail(&api);
    customer(&api);
    api.deliver();
    pass(&api, 20);
    api.platform.advance(4 * DAY);
    customer(&api);
    api.deliver();
    pass(&api, 20);
    assert_eq!(status(&api, &made), "enabled");
    assert_eq!(told(&api), ["florin.webhook_endpoint.failing"]);
    api.platform.advance(2 * DAY - 3_600);
    customer(&api);
    api.deliver();
    assert_eq!(status(&api, &made), "enabled", "its owner has two days from the warning on");
    api.platform.advance(3_600);
    customer(&api);
    api.deliver();
    assert_eq!(status(&api, &made), "disabled");
    let both = ["florin.webhook_endpoint.failing", "florin.webhook_endpoint.disabled"];
    assert_eq!(told(&api), both);
}

#[test]
fn an_endpoint_that_is_enabled_while_its_deliveries_are_ended_keeps_them() {
    for polls in 1..20 {
        let api = Api::new();
        let made = endpoint(&api, URL);
        query(&api, "UPDATE webhook_endpoints SET is_alone = 1", values![]);
        customer(&api);
        fan_out(&api);
        let path = format!("/v1/webhook_endpoints/{made}");
        api.post(&path, &[("disabled", "true")]).ok();
        api.platform.yields(true);
        let ended_first = Cell::new(false);
        take_turns(
            &[(0, polls), (1, 1)],
            vec![
                Box::pin(async {
                    deliver_alone(&api.platform, &made).await.map(drop).expect("it ends")
                }),
                Box::pin(async {
                    ended_first.set(deliveries(&api, &made)[0].text("state") == Ok("failed"));
                    api.post(&path, &[("disabled", "false")]).ok();
                }),
            ],
        );
        api.platform.yields(false);
        pass(&api, 3);
        let state = deliveries(&api, &made)[0].text("state").expect("a state").to_owned();
        let expected = if ended_first.get() { "failed" } else { "succeeded" };
        assert_eq!(state, expected, "after {polls} polls");
    }
}

#[test]
fn an_endpoint_that_is_disabled_between_two_rounds_gets_no_second_round() {
    for polls in 1..30 {
        let api = Api::new();
        let made = endpoint(&api, URL);
        for _ in 0..9 {
            customer(&api);
        }
        fan_out(&api);
        let message = message(&api);
        let path = format!("/v1/webhook_endpoints/{made}");
        api.platform.yields(true);
        let went_before = Cell::new(0);
        take_turns(
            &[(0, polls), (1, 1)],
            vec![
                Box::pin(async {
                    queues::deliveries::deliver(&api.platform, &message)
                        .await
                        .expect("it is taken");
                }),
                Box::pin(async {
                    api.post(&path, &[("disabled", "true")]).ok();
                    went_before.set(went(&api).len());
                }),
            ],
        );
        api.platform.yields(false);
        // What was under way goes on, and a round for which the endpoint was read already.
        let after = went(&api).len();
        assert!(after <= 4, "{after} after {} before, after {polls} polls", went_before.get());
        pass(&api, 3);
        assert_eq!(went(&api), Vec::<String>::new());
    }
}

#[test]
fn a_delivery_that_arrived_is_not_kept_as_a_failure_when_its_double_fails() {
    let api = Api::new();
    let made = endpoint(&api, URL);
    customer(&api);
    fan_out(&api);
    let message = message(&api);
    let count = Rc::new(Cell::new(0));
    api.platform.outside().respond(move |_| {
        count.set(count.get() + 1);
        answered(if count.get() == 1 { 200 } else { 500 })
    });
    api.platform.yields(true);
    let deliver = || async {
        queues::deliveries::deliver(&api.platform, &message).await.expect("it is taken");
    };
    // Both have read that the delivery waits before the first one makes it.
    take_turns(&[(0, 3), (1, 3)], vec![Box::pin(deliver()), Box::pin(deliver())]);
    api.platform.yields(false);
    assert_eq!(went(&api).len(), 2);
    assert_eq!(deliveries(&api, &made)[0].text("state"), Ok("succeeded"));
    assert_eq!(query(&api, "SELECT * FROM delivery_attempts", values![]).len(), 0);
}

#[test]
fn an_endpoint_that_names_a_date_to_come_back_at_is_left_in_peace_until_then() {
    let api = Api::new();
    let made = endpoint(&api, URL);
    api.platform.outside().respond(|_| {
        // A hundred seconds after the clock of the tests begins.
        let retry_after = Some("Thu, 01 Jan 2026 00:01:40 GMT".to_owned());
        Ok(Answered { status: 503, retry_after, ..Answered::default() })
    });
    customer(&api);
    api.deliver();
    let next = deliveries(&api, &made)[0].integer("next_attempt_at");
    assert_eq!(next, Ok(kit::START.0 + 100));
}

#[test]
fn a_fan_out_of_a_long_outage_runs_in_parts_that_one_invocation_can_bear() {
    let api = Api::new();
    let made = endpoint(&api, URL);
    customer(&api);
    let copy = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 4999) \
         INSERT INTO events (id, account, livemode, created, type, object, data, api_version) \
         SELECT 'evt_copy' || n, account, livemode, created, type, object, data, api_version \
         FROM events, numbers WHERE type = 'customer.created'";
    query(&api, copy, values![]);
    api.platform.database().take_counts();
    let mut parts = 1;
    while run(queues::deliveries::fan_out(&api.platform)).expect("the fan-out") {
        let queries = api.platform.database().take_counts().statements;
        assert!(queries < 500, "{queries} of the 1,000 that the database takes");
        parts += 1;
    }
    assert_eq!((deliveries(&api, &made).len(), parts), (5_000, 3));
}

#[test]
fn events_of_accounts_without_an_endpoint_held_up_the_next_one_that_somebody_is_to_hear_of() {
    let api = Api::new();
    let made = endpoint(&api, URL);
    let copies = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 12000) \
         INSERT INTO events (id, account, livemode, created, type, object, data, api_version) \
         SELECT 'evt_quiet' || n, 'acct_quiet', 0, 0, 'customer.created', 'cus_quiet', '{}', '1' FROM numbers";
    query(&api, copies, values![]);
    customer(&api);
    api.platform.database().take_counts();
    let is_left = run(queues::deliveries::fan_out(&api.platform));
    assert_eq!((is_left, deliveries(&api, &made).len()), (Ok(false), 1));
    let statements = api.platform.database().take_counts().statements;
    assert!(statements < 25, "{statements} statements");
    let cursor = query(&api, "SELECT event FROM fan_out", values![]);
    assert_eq!(cursor[0].integer("event"), Ok(12_001), "nobody looks at them again");
}

#[test]
fn one_object_that_did_not_wake_ended_the_search_for_the_lost_deliveries_of_all_others() {
    let api = Api::new();
    let made = [endpoint(&api, "https://one.test/"), endpoint(&api, "https://two.test/")];
    customer(&api);
    fan_out(&api);
    api.platform.outside().lose_messages();
    api.platform.advance(301);
    let first = made.iter().min().expect("two");
    api.platform.outside().object_hop.fail(1, Fault::BeforeEffect);
    run(flows::webhooks::search(&api.platform)).expect("a search");
    let woken = api.platform.outside().take_woken();
    assert_eq!(woken.len(), 1);
    assert!(made.contains(&woken[0]) && woken[0] != *first);
    let log = api.platform.errors();
    assert!(log.iter().any(|error| error.request == *first), "{log:?}");
    // The one that slept is found again when it is late.
    pass(&api, 3);
    assert_eq!(went(&api).len(), 2);
}

#[test]
fn an_object_that_has_much_to_deliver_asks_the_database_for_no_more_than_it_takes() {
    for status in [200, 500] {
        let api = Api::new();
        let made = endpoint(&api, URL);
        settings(&api, &made, &[("max_concurrency", "6")]);
        api.platform.outside().respond(move |_| answered(status));
        for _ in 0..12 {
            customer(&api);
        }
        fan_out(&api);
        let mut most = 0;
        for _ in 0..2 {
            api.platform.database().take_counts();
            assert_eq!(run(deliver_alone(&api.platform, &made)), Ok(Next::After(0)));
            most = most.max(api.platform.database().take_counts().statements);
        }
        assert_eq!(went(&api).len(), 12);
        let shift = u64::try_from(flows::webhooks::MOST_ROUNDS).expect("a number") * most;
        assert!(shift < 900, "{shift} in a shift, {most} in a round");
    }
}

#[test]
fn an_endpoint_that_cannot_be_read_had_two_hundred_statements_written_in_a_round() {
    let api = Api::new();
    let made = endpoint(&api, URL);
    for _ in 0..100 {
        customer(&api);
    }
    fan_out(&api);
    query(&api, "UPDATE deliveries SET next_attempt_at = 0", values![]);
    query(&api, "UPDATE webhook_endpoints SET details = 'no JSON'", values![]);
    api.platform.database().take_counts();
    run(deliver_alone(&api.platform, &made)).expect("a round");
    let statements = api.platform.database().take_counts().statements;
    assert!(statements < 40, "{statements} statements");
}

#[test]
fn a_delivery_that_was_ended_with_its_endpoint_did_not_say_why() {
    let api = Api::new();
    let made = endpoint(&api, URL);
    customer(&api);
    fan_out(&api);
    api.platform.outside().lose_messages();
    api.post(&format!("/v1/webhook_endpoints/{made}"), &[("disabled", "true")]).ok();
    pass(&api, 6);
    let shown = api.get("/v1/florin/webhook_deliveries?status=failed").ok();
    let why = shown.text_at("/data/0/last_attempt/problem");
    assert_eq!(why, "The endpoint was disabled or deleted.");
}

#[test]
fn an_endpoint_whose_deliveries_wait_for_their_turn_was_woken_each_minute() {
    let api = Api::new();
    let made = one_waits_for_another(&api);
    let first = "UPDATE deliveries SET next_attempt_at = next_attempt_at + 3600 \
         WHERE event = (SELECT MIN(event) FROM deliveries)";
    query(&api, first, values![]);
    api.platform.advance(300);
    api.beat();
    assert_eq!(api.platform.outside().take_woken(), [""; 0], "nothing is due");
    api.platform.advance(3_600);
    api.beat();
    assert_eq!(api.platform.outside().take_woken(), [made]);
}

#[test]
fn endpoints_that_are_delivered_to_alone_are_woken_together() {
    let polls = |endpoints: usize| {
        let api = Api::new();
        for _ in 0..endpoints {
            endpoint(&api, URL);
        }
        query(&api, "UPDATE webhook_endpoints SET is_alone = 1", values![]);
        customer(&api);
        api.platform.yields(true);
        let work = queues::deliveries::fan_out(&api.platform);
        let mut work = std::pin::pin!(work);
        let mut polls = 0;
        while run_once(work.as_mut()).is_none() {
            polls += 1;
        }
        assert_eq!(api.platform.outside().take_woken().len(), endpoints);
        polls
    };
    assert_eq!(polls(10), polls(1));
}

/// Polls a future once.
fn run_once<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[test]
fn a_clock_that_was_ahead_for_a_moment_stopped_the_search_for_what_was_lost_until_then() {
    let api = Api::new();
    endpoint(&api, URL);
    api.platform.advance(DAY);
    api.beat();
    api.platform.advance(-DAY);
    customer(&api);
    fan_out(&api);
    api.platform.outside().lose_messages();
    for _ in 0..6 {
        api.platform.advance(61);
        api.beat();
        api.deliver();
    }
    assert_eq!(went(&api), [URL]);
}

#[test]
fn whatever_an_endpoint_answers_is_kept_as_text() {
    let answers = [
        "",
        "a\0b",
        "\u{202e}\u{1f980}\u{fffd}",
        "'); DROP TABLE deliveries; --",
        "{\"a\":\"\\u0000\"}",
    ];
    for (answer, status) in answers.into_iter().flat_map(|answer| [(answer, 200), (answer, 500)]) {
        let api = Api::new();
        let made = endpoint(&api, URL);
        let body = answer.to_owned();
        api.platform.outside().respond(move |_| {
            Ok(Answered { status, retry_after: Some("-1e9".to_owned()), body: body.clone() })
        });
        customer(&api);
        api.deliver();
        let row = &deliveries(&api, &made)[0];
        assert_eq!(
            (row.text("response"), row.integer("attempts")),
            (Ok(answer), Ok(1)),
            "{answer:?}"
        );
        let id = api.get("/v1/florin/webhook_deliveries").ok().id_of_first();
        let shown = api.get(&format!("/v1/florin/webhook_deliveries/{id}")).ok();
        assert_eq!(shown.text_at("/attempts/0/response_body"), answer);
    }
}
