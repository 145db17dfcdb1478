//! The archive: old events leave the database for the bucket, none of them lost on the way.

use std::collections::BTreeSet;

use api::Api;
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
fn what_is_not_delivered_stays() {
    let api = merchant();
    customers(&api, 2);
    let pending = "UPDATE deliveries SET state = 'pending', next_attempt_at = ?1 WHERE event = 2";
    let later = flows::Platform::now(&api.platform).plus(40 * DAY).seconds();
    api.platform.database().query(pending, store::values![later]);
    customers(&api, 2);
    api.platform.advance(35 * DAY);
    beats(&api);
    let left = ["2", "3", "4"].map(str::to_owned);
    assert_eq!(ids(&api, "events", "sequence"), BTreeSet::from(left));
    assert_eq!(archived(&api).len(), 1);
    // Its endpoint's object was not woken, which the search makes up for.
    api.platform.advance(5 * DAY + 61);
    beats(&api);
    assert_eq!(ids(&api, "events", "sequence"), BTreeSet::from(["4".to_owned()]));
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
    for polls in 1..60 {
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
