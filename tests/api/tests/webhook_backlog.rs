//! Webhooks when much waits: a queue that lags, an endpoint that is down and wants order, one that asks to be left in
//! peace. Each test is named after what went wrong once.

use std::cell::Cell;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use api::{Api, Form, invariants};
use domain::api_key::Kind;
use domain::timestamp::{DAY, Timestamp};
use flows::platform::Answered;
use flows::webhooks::{Lot, Next, Parcel, deliver_alone};
use kit::{Fault, answered, run};
use serde_json::{Value, json};
use store::{Row, values};

const URL: &str = "https://shop.test/hooks";

fn endpoint(api: &Api) -> String {
    let form = [("url", URL), ("enabled_events[]", "customer.*")];
    api.post("/v1/webhook_endpoints", &form).ok().id().to_owned()
}

fn settings(api: &Api, endpoint: &str, form: Form<'_>) {
    api.post(&format!("/v1/florin/webhook_endpoints/{endpoint}"), form).ok();
}

fn customer(api: &Api) -> String {
    api.post("/v1/customers", &[]).ok().id().to_owned()
}

fn query(api: &Api, sql: &str, values: Vec<store::Value>) -> Vec<Row> {
    api.platform.database().query(sql, values)
}

/// Makes so many events and hands them out; the messages that stand for them.
fn messages(api: &Api, events: usize) -> Vec<Parcel> {
    for _ in 0..events {
        customer(api);
    }
    run(queues::deliveries::fan_out(&api.platform)).expect("the fan-out");
    std::iter::from_fn(|| api.platform.outside().next_parcel()).collect()
}

fn deliveries(api: &Api) -> Vec<Row> {
    query(api, "SELECT * FROM deliveries ORDER BY endpoint, event", values![])
}

fn kept(api: &Api, endpoint: &str, column: &'static str) -> Value {
    let rows = query(api, "SELECT * FROM webhook_endpoints WHERE id = ?1", values![endpoint]);
    rows[0].0[column].clone()
}

/// How many requests arrived since the last look.
fn arrived(api: &Api) -> usize {
    api.platform.outside().take_requests().len()
}

/// Polls a future until nothing happens any more but waiting.
fn settle<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    let mut context = Context::from_waker(Waker::noop());
    (0..10_000).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

/// Delivers to one endpoint as its object does, until it rests.
fn work_alone(api: &Api, endpoint: &str) -> Next {
    (0..1_000)
        .find_map(|_| {
            let next = run(deliver_alone(&api.platform, endpoint)).expect("a round");
            (!matches!(next, Next::After(_))).then_some(next)
        })
        .expect("it rests")
}

fn now(api: &Api) -> Timestamp {
    flows::Platform::now(&api.platform)
}

#[test]
fn two_batches_for_a_busy_endpoint_that_overlapped_kept_it_off_the_queue() {
    let api = Api::new();
    let made = endpoint(&api);
    let (first, second) = (messages(&api, 10), messages(&api, 10));
    api.platform.outside().stall("shop.test", true);
    let lot = Lot::of(&first);
    let mut work = pin!(lot.work(&api.platform));
    assert_eq!(settle(work.as_mut()), None, "it is under way");
    run(lot.leave(&api.platform, &second[0])).expect("they are left to the object");
    api.platform.outside().stall("shop.test", false);
    settle(work).expect("it ends");
    assert_eq!(messages(&api, 1).len(), 1, "what comes next goes through the queue");
    assert_eq!(kept(&api, &made, "is_alone"), 0);
    // Nor is what was left to the object lost.
    api.deliver();
    assert_eq!(arrived(&api), 20);
}

#[test]
fn one_event_that_is_always_refused_kept_a_healthy_endpoint_off_the_queue() {
    let api = Api::new();
    let made = endpoint(&api);
    let refused = customer(&api);
    api.platform.outside().respond(move |request| {
        answered(if request.body().contains(&refused) { 500 } else { 200 })
    });
    api.deliver();
    assert_eq!(kept(&api, &made, "is_alone"), 1, "it failed");
    customer(&api);
    api.deliver();
    assert_eq!(kept(&api, &made, "is_alone"), 0, "though the retry is still planned");
    assert_eq!(messages(&api, 1).len(), 1, "what comes next goes through the queue");
    // The retry stays with the object, which leaves the endpoint shared as soon as it takes something.
    for _ in 0..2 {
        api.platform.advance(60);
        work_alone(&api, &made);
        customer(&api);
        api.deliver();
        assert_eq!(kept(&api, &made, "is_alone"), 0);
    }
    let states: Vec<_> = deliveries(&api).iter().map(|row| row.0["state"].clone()).collect();
    assert_eq!(states[0], "pending");
}

#[test]
fn an_endpoint_that_takes_nothing_is_not_given_back() {
    let api = Api::new();
    let made = endpoint(&api);
    api.platform.outside().respond(|_| answered(500));
    for _ in 0..3 {
        customer(&api);
        api.deliver();
        assert_eq!(kept(&api, &made, "is_alone"), 1);
    }
}

#[test]
fn messages_that_a_lagging_queue_still_had_counted_as_lost() {
    let api = Api::new();
    endpoint(&api);
    let parcels = messages(&api, 30);
    let planned = || {
        let rows = deliveries(&api);
        rows.iter().filter(|row| row.0["next_attempt_at"] != Value::Null).count()
    };
    for _ in 0..4 {
        api.platform.advance(61);
        api.beat();
        assert_eq!(planned(), 0, "the queue may still bring them");
    }
    // It does, and each is delivered once.
    run(Lot::of(&parcels).work(&api.platform));
    api.deliver();
    assert_eq!(arrived(&api), 30);
    // What no queue brings is found.
    messages(&api, 1);
    for _ in 0..6 {
        api.platform.advance(61);
        api.beat();
        api.deliver();
    }
    assert_eq!(arrived(&api), 1);
}

#[test]
fn a_resend_was_lost_while_an_earlier_attempt_stalled() {
    // The first attempt, some retry, and the last one.
    for before in [1, 3, 5] {
        let api = Api::new();
        let made = endpoint(&api);
        let fails = Rc::new(Cell::new(true));
        let is_failing = Rc::clone(&fails);
        api.platform.outside().respond(move |_| answered(if is_failing.get() { 500 } else { 200 }));
        customer(&api);
        api.deliver();
        for _ in 1..before {
            api.platform.advance(400);
            work_alone(&api, &made);
        }
        assert_eq!(arrived(&api), before);
        api.platform.advance(400);
        api.platform.outside().stall("shop.test", true);
        let mut round = pin!(deliver_alone(&api.platform, &made));
        assert_eq!(settle(round.as_mut()), None, "it stalls");
        let event = api.get("/v1/events?limit=1").ok().id_of_first();
        let form = [("webhook_endpoint", made.as_str())];
        api.post(&format!("/v1/events/{event}/retry"), &form).ok();
        api.platform.advance(20);
        api.platform.outside().stall("shop.test", false);
        settle(round).expect("it ends").expect("it is recorded");
        let row = &deliveries(&api)[0];
        assert_eq!(row.text("state"), Ok("pending"), "after {before} attempts");
        let next = row.optional_integer("next_attempt_at").expect("a number");
        assert!(next <= Some(now(&api).seconds()), "it is due: {row:?}");
        assert_eq!(row.integer("attempts"), row.integer("attempts_before"), "{row:?}");
        let kept = query(&api, "SELECT * FROM delivery_attempts", values![]);
        assert_eq!(kept.len(), before + 1, "what came of the attempt is kept");
        assert_eq!(arrived(&api), 1);
        // It is made, and has a schedule of its own.
        work_alone(&api, &made);
        assert_eq!(deliveries(&api)[0].text("state"), Ok("pending"));
        fails.set(false);
        api.platform.advance(3);
        work_alone(&api, &made);
        assert_eq!(arrived(&api), 2);
        assert_eq!(deliveries(&api)[0].text("state"), Ok("succeeded"));
        invariants::check_registered(&api.platform);
    }
}

/// An ordered endpoint with an object of so many events, of which the first has failed and is attempted again in an hour.
fn blocked(events: i64) -> (Api, String) {
    let api = Api::new();
    let made = endpoint(&api);
    settings(&api, &made, &[("ordering", "object")]);
    customer(&api);
    let copy = "WITH RECURSIVE numbers (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < CAST(?1 AS INTEGER)) \
         INSERT INTO events (id, account, livemode, created, type, object, data, api_version) \
         SELECT 'evt_copy' || n, account, livemode, created, type, object, data, api_version \
         FROM events, numbers WHERE type = 'customer.created'";
    query(&api, copy, values![events]);
    while run(queues::deliveries::fan_out(&api.platform)).expect("the fan-out") {}
    let fails = "UPDATE deliveries SET attempts = 1, next_attempt_at = next_attempt_at + 3600 \
         WHERE event = (SELECT MIN(event) FROM deliveries)";
    query(&api, fails, values![]);
    // The search has seen that no message stands for any of them.
    run(flows::webhooks::search(&api.platform)).expect("a search");
    api.platform.outside().take_woken();
    (api, made)
}

fn cost(api: &Api, name: &str, values: Vec<store::Value>) -> i32 {
    let statements = store::registry::statements();
    let (_, sql) = statements.iter().find(|(known, _)| known == name).expect("a statement");
    api.platform.database().cost(sql, &values)
}

#[test]
fn each_look_at_an_ordered_endpoint_that_is_down_passed_over_its_whole_backlog() {
    let costs = [1_000, 4_000].map(|events| {
        let (api, made) = blocked(events);
        let at = now(&api).seconds();
        let costs = || {
            [
                cost(&api, "deliveries.find_due", values![made.as_str(), at, 6]),
                cost(&api, "deliveries.next_due", values![made.as_str()]),
                cost(&api, "deliveries.find_lost", values!["", at - 300, at - 60, at - DAY, 100]),
            ]
        };
        let before = costs();
        // What waits is put out of the way, a bounded part of it at a time.
        let rests = work_alone(&api, &made);
        assert_eq!(rests, Next::At(Timestamp(at + 3_600)));
        let after = costs();
        assert!(after.iter().sum::<i32>() < 500, "{after:?}");
        before
    });
    assert_eq!(costs[0], costs[1], "in 1,000 rows, and in 4,000");
}

#[test]
fn what_was_put_out_of_the_way_arrives_in_order_once_the_first_has_ended() {
    for arrives in [true, false] {
        let (api, made) = blocked(300);
        work_alone(&api, &made);
        assert_eq!(arrived(&api), 0, "all wait for the first");
        let first = Rc::new(Cell::new(true));
        api.platform.outside().respond(move |_| {
            let is_first = first.replace(false);
            answered(if is_first && !arrives { 410 } else { 200 })
        });
        api.platform.advance(3_600);
        if arrives {
            work_alone(&api, &made);
        } else {
            // It has failed for good.
            query(&api, "UPDATE deliveries SET attempts = 5 WHERE attempts = 1", values![]);
            api.platform.outside().respond({
                let first = Cell::new(true);
                move |_| answered(if first.replace(false) { 500 } else { 200 })
            });
            work_alone(&api, &made);
        }
        let ids: Vec<String> = api
            .platform
            .outside()
            .take_requests()
            .iter()
            .map(|request| {
                let event: Value = serde_json::from_str(request.body()).expect("JSON");
                event["id"].as_str().expect("an id").to_owned()
            })
            .collect();
        let sent = query(&api, "SELECT id FROM events ORDER BY sequence", values![]);
        let sent: Vec<String> =
            sent.iter().map(|row| row.text("id").expect("an id").to_owned()).collect();
        assert_eq!(ids, sent, "{arrives}");
        invariants::check_registered(&api.platform);
    }
}

#[test]
fn another_object_goes_on_behind_a_backlog_that_waits() {
    let (api, made) = blocked(1_000);
    customer(&api);
    api.deliver();
    assert_eq!(arrived(&api), 1);
    assert_eq!(work_alone(&api, &made), Next::At(Timestamp(now(&api).seconds() + 3_600)));
}

#[test]
fn an_endpoint_that_asked_to_be_left_in_peace_was_sent_all_else_that_was_due() {
    for (status, waits) in [(429, true), (503, true), (500, false)] {
        let api = Api::new();
        let made = endpoint(&api);
        api.platform.outside().respond(move |_| {
            let retry_after = Some("100".to_owned());
            Ok(Answered { status, retry_after, ..Answered::default() })
        });
        for parcel in messages(&api, 100) {
            let message = serde_json::to_string(&parcel).expect("a message");
            run(queues::deliveries::deliver(&api.platform, &message)).expect("it is taken");
        }
        api.deliver();
        let before = arrived(&api);
        assert_eq!(before < 10, waits, "{before} requests after {status}");
        if !waits {
            continue;
        }
        let until = kit::START.plus(100);
        assert_eq!(work_alone(&api, &made), Next::At(until));
        api.platform.advance(99);
        work_alone(&api, &made);
        assert_eq!(arrived(&api), 0, "nor does a wake-up cut that short");
        api.platform.outside().respond(|_| answered(200));
        api.platform.advance(1);
        work_alone(&api, &made);
        assert_eq!(arrived(&api), 100);
    }
}

#[test]
fn an_endpoint_that_asks_for_a_day_of_peace_gets_no_more_than_others_may() {
    let api = Api::new();
    let made = endpoint(&api);
    api.platform.outside().respond(|_| {
        let retry_after = Some("86400".to_owned());
        Ok(Answered { status: 429, retry_after, ..Answered::default() })
    });
    customer(&api);
    api.deliver();
    assert_eq!(kept(&api, &made, "held_until"), kit::START.plus(300).seconds());
}

#[test]
fn an_outage_of_our_own_resolver_counted_against_every_endpoint() {
    let api = Api::new();
    let outside = api.platform.outside();
    outside.development(false);
    let made = endpoint(&api);
    outside.resolve("shop.test", &["1.1.1.1"]);
    outside.resolver_hop.fail(1, Fault::BeforeEffect);
    customer(&api);
    api.deliver();
    assert_eq!(arrived(&api), 0);
    let waiting = &deliveries(&api)[0];
    assert_eq!(waiting.text("state"), Ok("pending"));
    assert!(waiting.text("problem").expect("a problem").contains("DNS"), "{waiting:?}");
    assert_eq!(kept(&api, &made, "failing_since"), Value::Null, "the endpoint is not to blame");
    assert_eq!(kept(&api, &made, "is_alone"), 0);
    // What DNS says of its name is its own affair.
    outside.resolve("shop.test", &[]);
    customer(&api);
    api.deliver();
    assert_eq!(kept(&api, &made, "failing_since"), json!(kit::START.seconds()));
}

#[test]
fn endpoints_that_were_made_and_deleted_over_and_over_stayed_for_a_month() {
    let api = Api::new();
    let used = endpoint(&api);
    customer(&api);
    api.deliver();
    for _ in 0..100 {
        let made = endpoint(&api);
        let path = format!("/v1/webhook_endpoints/{made}");
        api.delete(&path).ok();
        api.delete(&path).ok();
    }
    api.delete(&format!("/v1/webhook_endpoints/{used}")).ok();
    let left = || query(&api, "SELECT * FROM webhook_endpoints", values![]).len();
    api.beat();
    assert_eq!(left(), 101, "whoever asks again hears that they are deleted");
    api.platform.advance(DAY + 1);
    for _ in 0..5 {
        api.beat();
    }
    assert_eq!(left(), 1, "the one that has deliveries");
    api.delete(&format!("/v1/webhook_endpoints/{used}")).ok();
    invariants::check_registered(&api.platform);
}

#[test]
fn whoever_looked_at_an_event_or_for_lost_deliveries_passed_over_all_deleted_endpoints() {
    let costs = [10, 1_000].map(|deleted| {
        let api = Api::new();
        endpoint(&api);
        customer(&api);
        api.deliver();
        let copy = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < CAST(?1 AS INTEGER)) \
             INSERT INTO webhook_endpoints (id, account, livemode, created, version, url, status, is_alone, details, \
             since_event, settled_through, deleted_at) \
             SELECT 'we_copy' || n, account, livemode, created - 1, version, url, 'deleted', 0, details, since_event, \
             settled_through, created FROM webhook_endpoints, numbers";
        query(&api, copy, values![deleted]);
        // One that nobody has handed out.
        customer(&api);
        let account = api.merchant.account.as_str();
        let event = api.get("/v1/events?limit=1").ok().id_of_first();
        [
            cost(&api, "events.show", values![event, account, false]),
            cost(&api, "webhook_endpoints.must_have_room", values![account, false, 16]),
            cost(&api, "webhook_endpoints.of_account", values![account, false]),
            cost(&api, "fan_out.events", values![100, 5_000]),
        ]
    });
    assert_eq!(costs[0], costs[1]);
}

#[test]
fn a_live_delivery_that_always_fails_is_made_for_three_days_and_its_owner_told_after_one() {
    let api = Api::new();
    let live = api.platform.key(&api.merchant, Kind::Secret, true);
    let post = |path: &str, form: Form<'_>| run(api.posting_as(&live, path, form, None)).ok();
    let form = [("url", URL), ("enabled_events[]", "customer.*")];
    let made = post("/v1/webhook_endpoints", &form).id().to_owned();
    api.platform.outside().resolve("shop.test", &["1.1.1.1"]);
    api.platform.outside().respond(|_| answered(500));
    post("/v1/customers", &[]);
    api.deliver();
    let began = now(&api);
    let mut at = vec![0];
    // Its object sleeps until the moment that it names, and nothing else wakes it.
    while let Next::At(next) = work_alone(&api, &made) {
        api.platform.advance(next.seconds() - now(&api).seconds());
        api.deliver();
        work_alone(&api, &made);
        at.push(now(&api).seconds() - began.seconds());
    }
    let attempts = arrived(&api);
    assert_eq!(attempts, at.len(), "one at each moment: {at:?}");
    assert!((13..=19).contains(&attempts), "{at:?}");
    let last = *at.last().expect("one");
    assert!((2 * DAY..=3 * DAY).contains(&last), "{at:?}");
    let pauses: Vec<i64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!((4..=6).contains(&pauses[0]), "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= 12 * 3_600 * 12 / 10), "{pauses:?}");
    let row = &deliveries(&api)[0];
    assert_eq!(row.text("state"), Ok("failed"));
    assert_eq!(row.optional_integer("next_attempt_at"), Ok(None));
    let kept_attempts = query(&api, "SELECT * FROM delivery_attempts", values![]);
    assert_eq!(kept_attempts.len(), attempts, "what came of each is kept");
    let told = query(
        &api,
        "SELECT created FROM events WHERE type = 'florin.webhook_endpoint.failing'",
        values![],
    );
    assert_eq!(told.len(), 1);
    assert!(told[0].integer("created").expect("a moment") >= began.seconds() + DAY);
}
