//! Dead letters: messages that no consumer can take, and events that cannot be sent.

use api::Api;
use kit::Fault;
use queues::{Queue, dead_letters};
use serde_json::json;
use store::{Row, values};

/// The parked messages: queue, body, problem and count.
fn parked(api: &Api) -> Vec<(String, String, String, i64)> {
    let text = |row: &Row, column: &'static str| row.text(column).expect("a text").to_owned();
    let rows = api.platform.database().query("SELECT * FROM dead_letters", vec![]);
    rows.iter()
        .map(|row| {
            let count = row.integer("count").expect("a count");
            (text(row, "queue"), text(row, "body"), text(row, "problem"), count)
        })
        .collect()
}

fn bury(api: &Api, queue: Queue, message: &str) -> Result<(), flows::Failure> {
    kit::run(dead_letters::take(&api.platform, queue, message))
}

fn redrive(api: &Api) {
    let redrive = "UPDATE dead_letters SET redrive = 1";
    api.platform.database().query(redrive, vec![]);
    api.beat();
}

#[test]
fn a_message_that_nobody_can_read_is_parked_once_with_its_error() {
    let api = Api::new();
    for queue in [Queue::Deliveries, Queue::Wake] {
        for _ in 0..3 {
            bury(&api, queue, "poison").expect("it is parked");
        }
    }
    let letters = parked(&api);
    assert_eq!(letters.len(), 2);
    for (queue, body, problem, count) in &letters {
        assert_eq!((body.as_str(), *count), ("poison", 3), "{queue}");
        assert!(problem.contains("line 1"), "{queue}: {problem}");
    }
    redrive(&api);
    let counts: Vec<i64> = parked(&api).into_iter().map(|(.., count)| count).collect();
    assert_eq!(counts, [4, 4], "it died again, and waits for an operator");
    api.beat();
    assert_eq!(parked(&api).iter().map(|(.., count)| count).max(), Some(&4));
}

#[test]
fn what_works_by_the_time_it_is_dead_is_not_parked() {
    let api = Api::new();
    bury(&api, Queue::Wake, "{\"due_at\":7}").expect("it is taken");
    bury(&api, Queue::Events, "").expect("it is taken");
    bury(&api, Queue::Deliveries, "{\"endpoint\":\"we_gone\",\"events\":[1]}")
        .expect("it is taken");
    assert_eq!(parked(&api), []);
}

/// A deployment with one delivery whose message died and is parked, and the message.
fn with_dead_delivery() -> (Api, String) {
    let (api, parcel) = Api::with_delivery_on_its_way();
    let message = serde_json::to_string(&parcel).expect("a message");
    // The database fails when it is tried for the last time, and works when it is parked before.
    api.platform.database().hop().fail(3, Fault::BeforeEffect);
    bury(&api, Queue::Deliveries, &message).expect("it is parked");
    let letters = parked(&api);
    assert_eq!((letters.len(), letters[0].1.as_str()), (1, message.as_str()));
    assert!(letters[0].2.contains(&parcel.endpoint), "{}", letters[0].2);
    (api, message)
}

#[test]
fn a_dead_letter_is_delivered_when_it_is_redriven() {
    let (api, _) = with_dead_delivery();
    redrive(&api);
    assert_eq!(parked(&api), []);
    api.deliver();
    assert_eq!(api.platform.outside().take_requests().len(), 1);
}

#[test]
fn scenario_26_dead_letters_call_for_a_person_once_and_send_once_however_they_are_redriven() {
    let (mut polls, mut has_ended) = (0, false);
    while !has_ended {
        let (api, message) = with_dead_delivery();
        api.platform.database().hop().fail(3, Fault::BeforeEffect);
        bury(&api, Queue::Deliveries, &message).expect("it is parked again");
        assert_eq!(parked(&api)[0].3, 2);
        let alert = ("dead_letter".to_owned(), "deliveries/1".to_owned());
        api.beat();
        assert_eq!(api.platform.alerts(), [alert], "it died twice");
        api.platform.database().query("UPDATE dead_letters SET redrive = 1", vec![]);
        polls += 1;
        has_ended = api.beat_that_dies(polls);
        api.deliver();
        redrive(&api);
        api.deliver();
        assert_eq!(parked(&api), []);
        assert_eq!(api.platform.outside().take_requests().len(), 1, "died after {polls} polls");
    }
    assert!(polls > 5, "{polls}");
}

#[test]
fn scenario_26_what_a_dead_letter_stood_for_is_sent_from_the_rows_though_nobody_redrives_it() {
    let (api, message) = with_dead_delivery();
    for _ in 0..30 {
        api.platform.advance(60);
        api.beat();
        api.deliver();
    }
    assert_eq!(api.platform.outside().take_requests().len(), 1);
    assert_eq!(parked(&api)[0].1, message, "it waits for a person");
    redrive(&api);
    api.deliver();
    assert_eq!((api.platform.outside().take_requests().len(), parked(&api).len()), (0, 0));
}

#[test]
fn a_dead_letter_waits_for_a_database_that_is_gone() {
    let api = Api::new();
    api.platform.database().hop().fail(1, Fault::BeforeEffect);
    bury(&api, Queue::Wake, "poison").expect_err("it comes again");
    bury(&api, Queue::Wake, "poison").expect("it is parked");
    assert_eq!(parked(&api).len(), 1);
}

#[test]
fn a_message_that_ends_whoever_tries_it_is_parked() {
    let (api, parcel) = Api::with_delivery_on_its_way();
    let message = serde_json::to_string(&parcel).expect("a message");
    let take = || dead_letters::take(&api.platform, Queue::Deliveries, &message);
    // Whoever tries it never comes to the end.
    api.platform.outside().stall("shop.test", true);
    assert_eq!(kit::run_until_poll(1_000, take()), None);
    assert_eq!(kit::run_until_poll(1_000, take()), Some(Ok(())), "it is tried once");
    let letters = parked(&api);
    assert_eq!((letters.len(), letters[0].1.as_str()), (1, message.as_str()));
    assert!(letters[0].2.contains("did not come to its end"), "{}", letters[0].2);
    api.platform.outside().stall("shop.test", false);
    redrive(&api);
    api.deliver();
    assert_eq!(parked(&api), []);
    assert_eq!(api.platform.outside().take_requests().len(), 1);
}

#[test]
fn letters_that_were_tried_again_held_up_the_heartbeat_while_their_endpoints_stalled() {
    let api = Api::new();
    let form = [("url", "https://shop.test/hooks"), ("enabled_events[]", "*")];
    api.post("/v1/webhook_endpoints", &form).ok();
    for _ in 0..20 {
        api.post("/v1/customers", &[]).ok();
    }
    kit::run(queues::deliveries::fan_out(&api.platform)).expect("the fan-out");
    api.platform.outside().stall("shop.test", true);
    while let Some(parcel) = api.platform.outside().next_parcel() {
        let message = serde_json::to_string(&parcel).expect("a message");
        let take = dead_letters::take(&api.platform, Queue::Deliveries, &message);
        assert_eq!(kit::run_until_poll(1_000, take), None);
    }
    bury(&api, Queue::Wake, "poison").expect("it is parked");
    assert_eq!(parked(&api).len(), 3);
    api.platform.database().query("UPDATE dead_letters SET redrive = 1", vec![]);
    let beat = kit::run_until_poll(1_000, api::beat(&api.platform));
    assert!(beat.is_some(), "the heartbeat waits for nobody");
    let letters = parked(&api);
    assert_eq!((letters.len(), letters[0].1.as_str(), letters[0].3), (1, "poison", 2));
    api.platform.outside().stall("shop.test", false);
    api.deliver();
    assert_eq!(api.platform.outside().take_requests().len(), 20, "they are on their way");
}

#[test]
fn an_event_that_cannot_be_sent_holds_up_no_other() {
    let api = Api::new();
    let form = [("url", "https://shop.test/hooks"), ("enabled_events[]", "*")];
    api.post("/v1/webhook_endpoints", &form).ok();
    api.post("/v1/customers", &[]).ok();
    let corrupt = "INSERT INTO events (id, account, livemode, created, type, object, data, api_version) \
         SELECT 'evt_corrupt', account, livemode, created, type, object, 'no JSON', api_version \
         FROM events WHERE type = ?1";
    api.platform.database().query(corrupt, values!["customer.created"]);
    api.post("/v1/customers", &[]).ok();
    api.deliver();
    assert_eq!(api.platform.outside().take_requests().len(), 2);
    let rows =
        api.platform.database().query("SELECT * FROM deliveries WHERE state = 'pending'", vec![]);
    assert_eq!(rows.len(), 1, "it is tried again as if the endpoint had refused it");
    assert_eq!(rows[0].integer("attempts"), Ok(1));
    for _ in 0..200 {
        api.platform.advance(60);
        api.beat();
        api.deliver();
    }
    let rows = api.platform.database().query("SELECT * FROM deliveries WHERE event = 2", vec![]);
    assert_eq!(rows[0].0["state"], json!("failed"), "until its tries are used up");
    assert!(rows[0].text("problem").expect("a problem").contains("expected"), "{:?}", rows[0]);
}

#[test]
fn mail_that_cannot_be_tried_again_held_up_all_other_letters_for_ever() {
    let api = Api::new();
    let form = [
        ("amount", "2000"),
        ("currency", "usd"),
        ("payment_method", "pm_card_visa"),
        ("payment_method_types[]", "card"),
        ("confirm", "true"),
        ("receipt_email", "jo@example.com"),
    ];
    let paid = api.post("/v1/payment_intents", &form).ok();
    let charge = paid.text_at("/latest_charge").to_owned();
    let database = api.platform.database();
    database.query("UPDATE charges SET details = '{\"card\": 5}'", vec![]);
    let letters = "INSERT INTO dead_letters (queue, body, problem, count, first_parked_at, last_parked_at, redrive) \
         VALUES (?1, ?2, 'it was away', 1, 0, 0, 1)";
    database.query(letters, values!["mail", charge.as_str()]);
    database.query(letters, values!["wake", "{\"due_at\":7}"]);
    for _ in 0..3 {
        api.beat();
    }
    let left = parked(&api);
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!((left[0].0.as_str(), left[0].3), ("mail", 2), "it is parked anew, once");
    assert!(left[0].2.contains("details"), "{left:?}");
    let wish = "SELECT * FROM dead_letters WHERE redrive = 1";
    assert_eq!(database.query(wish, vec![]).len(), 0, "and waits for an operator");
}
