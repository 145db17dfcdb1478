//! The archive: old events leave the database for the bucket, none of them lost on the way.

use std::collections::BTreeSet;

use api::{Api, cases};
use kit::{Fault, answered};
use serde_json::Value;

const DAY: i64 = 86_400;

/// An account with an endpoint, whose events of a day are delivered.
fn merchant() -> Api {
    let api = Api::new();
    let form = [("url", "https://shop.test/hooks"), ("enabled_events[]", "*")];
    api.post("/v1/webhook_endpoints", &form).ok();
    api
}

fn customers(api: &Api, count: usize) {
    for _ in 0..count {
        api.post("/v1/customers", &[]).ok();
    }
    api.deliver();
}

fn ids(api: &Api, table: &str, column: &'static str) -> BTreeSet<String> {
    let rows = api.platform.database().query(&format!("SELECT {column} FROM {table}"), vec![]);
    rows.iter().map(|row| row.0[column].to_string().trim_matches('"').to_owned()).collect()
}

/// The lines of every archived object.
fn archived(api: &Api) -> Vec<Value> {
    let files = api.platform.files();
    let texts = files.iter().filter(|(name, _)| name.starts_with("archive/events/"));
    let texts: Vec<_> = texts.map(|(_, bytes)| String::from_utf8_lossy(bytes)).collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    lines.map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn archived_ids(api: &Api) -> BTreeSet<String> {
    let id = |line: &Value| line["event"]["id"].as_str().expect("an id").to_owned();
    archived(api).iter().map(id).collect()
}

fn beats(api: &Api) {
    for _ in 0..10 {
        api.beat();
        api.deliver();
    }
}

#[test]
fn events_stay_for_thirty_days_and_go_with_their_deliveries() {
    let api = merchant();
    api.platform.outside().respond(|_| answered(500));
    customers(&api, 1);
    api.platform.outside().respond(|_| answered(200));
    customers(&api, 119);
    let old = ids(&api, "events", "id");
    assert_eq!(old.len(), 120);
    api.platform.advance(30 * DAY);
    customers(&api, 3);
    beats(&api);
    assert_eq!(archived(&api).len(), 0, "thirty days are not over");
    assert_eq!(ids(&api, "events", "id").len(), 123);
    api.platform.advance(1);
    beats(&api);
    assert_eq!(archived_ids(&api), old);
    assert_eq!(ids(&api, "events", "id").len(), 3);
    assert_eq!(ids(&api, "deliveries", "event").len(), 3);
    assert_eq!(ids(&api, "delivery_attempts", "event").len(), 0);
    for line in archived(&api) {
        assert_eq!(line["deliveries"][0]["state"], "succeeded", "{line}");
    }
    let attempts =
        archived(&api).iter().map(|line| line["attempts"].as_array().map(Vec::len)).max();
    assert_eq!(attempts, Some(Some(1)), "the failed attempt goes with its delivery");
}

#[test]
fn the_newest_event_stays_so_that_sequences_go_on() {
    let api = merchant();
    customers(&api, 3);
    api.platform.advance(90 * DAY);
    beats(&api);
    assert_eq!(ids(&api, "events", "sequence"), BTreeSet::from(["3".to_owned()]));
    api.platform.outside().take_requests();
    customers(&api, 1);
    assert!(ids(&api, "events", "sequence").contains("4"));
    assert_eq!(api.platform.outside().take_requests().len(), 1);
}

#[test]
fn what_is_on_its_way_stays_for_three_days_more_and_holds_up_no_event_for_longer() {
    let api = merchant();
    customers(&api, 2);
    // It waits for its turn, however long that takes.
    let pending = "UPDATE deliveries SET state = 'pending', next_attempt_at = ?1 WHERE event = 2";
    let later = flows::Platform::now(&api.platform).plus(90 * DAY).seconds();
    api.platform.database().query(pending, store::values![later]);
    customers(&api, 2);
    api.platform.advance(33 * DAY);
    beats(&api);
    let left = ["2", "3", "4"].map(str::to_owned);
    assert_eq!(ids(&api, "events", "sequence"), BTreeSet::from(left));
    assert_eq!(archived(&api).len(), 1);
    api.platform.advance(DAY);
    beats(&api);
    assert_eq!(ids(&api, "events", "sequence"), BTreeSet::from(["4".to_owned()]));
    let ended = &archived(&api)[1]["deliveries"][0];
    assert_eq!(ended["state"], "failed", "{ended}");
    let problem = ended["problem"].as_str().expect("why");
    assert!(problem.contains("33 days"), "{problem}");
    let told = api.platform.errors();
    assert!(told.iter().any(|error| error.problem.contains("1 deliveries failed")), "{told:?}");
    customers(&api, 1);
    assert_eq!(ids(&api, "deliveries", "state"), BTreeSet::from(["succeeded".to_owned()]));
}

#[test]
fn a_delivery_that_is_made_within_three_days_more_arrives() {
    let api = merchant();
    customers(&api, 2);
    let pending = "UPDATE deliveries SET state = 'pending', next_attempt_at = ?1 WHERE event = 1";
    let later = flows::Platform::now(&api.platform).plus(32 * DAY).seconds();
    api.platform.database().query(pending, store::values![later]);
    api.platform.advance(31 * DAY);
    beats(&api);
    assert_eq!(archived(&api).len(), 0);
    // Its endpoint's object was not woken, which the search makes up for.
    api.platform.advance(DAY + 61);
    beats(&api);
    assert_eq!(archived(&api).len(), 1);
    assert_eq!(archived(&api)[0]["deliveries"][0]["state"], "succeeded");
}

#[test]
fn an_object_of_the_archive_holds_no_more_than_a_worker_has_memory_for() {
    let api = merchant();
    // As much as an event and what came of its attempts can be.
    let events = "WITH RECURSIVE numbers (n) AS \
                  (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 40) \
                  INSERT INTO events (id, account, livemode, created, type, object, data, api_version) \
                  SELECT 'evt_large' || n, ?1, 0, CAST(?2 AS INTEGER), 'customer.created', 'cus_' || n, \
                  json_object('object', printf('%.*c', 100000, 'x')), 'v' FROM numbers";
    let values = store::values![api.merchant.account.as_str(), kit::START.seconds()];
    api.platform.database().query(events, values);
    customers(&api, 1);
    let all = ids(&api, "events", "id");
    let attempts = "WITH RECURSIVE numbers (n) AS \
                    (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 25) \
                    INSERT INTO delivery_attempts SELECT endpoint, event, n, created, 500, NULL, 1, \
                    printf('%.*c', 4000, 'y') FROM deliveries, numbers";
    api.platform.database().query(attempts, vec![]);
    api.platform.advance(31 * DAY);
    beats(&api);
    let sizes: Vec<usize> = api.platform.files().values().map(Vec::len).collect();
    assert!(sizes.iter().all(|size| *size < 3_000_000), "{sizes:?}");
    let mut known = ids(&api, "events", "id");
    assert_eq!(known.len(), 1);
    known.extend(archived_ids(&api));
    assert_eq!(known, all);
    assert!(
        archived(&api).iter().all(|line| line["attempts"].as_array().map(Vec::len) == Some(25))
    );
}

#[test]
fn of_two_archives_of_the_same_events_one_is_told_that_it_came_too_late() {
    let api = Api::new();
    customers(&api, 3);
    // Nobody hears of these events: there is no delivery that tells.
    let remove = || {
        let batch = store::archive::remove(1, 2, 2, 0);
        kit::run(store::Database::batch(api.platform.database(), batch)).map(drop)
    };
    assert_eq!(remove(), Ok(()));
    let late = store::DatabaseError::Guard(store::archive::UNCHANGED_GUARD.to_owned());
    assert_eq!(remove(), Err(late));
}

#[test]
fn a_bucket_that_fails_keeps_events_where_they_are() {
    for fault in [Fault::BeforeEffect, Fault::AfterEffect] {
        let api = merchant();
        customers(&api, 4);
        api.platform.advance(31 * DAY);
        api.platform.files_hop().fail(1, fault);
        api.beat();
        assert_eq!(ids(&api, "events", "id").len(), 4);
        beats(&api);
        assert_eq!(ids(&api, "events", "id").len(), 1);
        assert_eq!(archived(&api).len(), 3);
    }
}

#[test]
fn a_crash_at_any_await_loses_no_event() {
    for polls in (1..120).step_by(cases(3, 1)) {
        let api = merchant();
        customers(&api, 60);
        let all = ids(&api, "events", "id");
        api.platform.advance(31 * DAY);
        let ended = api.beat_that_dies(polls);
        let mut known = ids(&api, "events", "id");
        known.extend(archived_ids(&api));
        assert_eq!(known, all, "after {polls} polls");
        beats(&api);
        known = ids(&api, "events", "id");
        assert_eq!(known.len(), 1);
        known.extend(archived_ids(&api));
        assert_eq!(known, all, "after {polls} polls and the next beats");
        if ended {
            return;
        }
    }
    panic!("a beat never ends");
}
