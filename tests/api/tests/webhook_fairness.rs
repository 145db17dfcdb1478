//! Endpoints that share a consumer: one that stalls or has much to hear leaves the others their share, and none gets
//! more at a time than it takes.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use api::Api;
use flows::webhooks::{Lot, Next, Parcel, deliver_alone};
use kit::run;
use serde_json::Value;
use store::values;

fn endpoint(api: &Api, host: &str) -> String {
    let url = format!("https://{host}/");
    let form = [("url", url.as_str()), ("enabled_events[]", "customer.*")];
    api.post("/v1/webhook_endpoints", &form).ok().id().to_owned()
}

/// Makes so many events and hands them out; the messages that stand for them.
fn messages(api: &Api, events: usize) -> Vec<Parcel> {
    for _ in 0..events {
        api.post("/v1/customers", &[]).ok();
    }
    run(queues::deliveries::fan_out(&api.platform)).expect("the fan-out");
    std::iter::from_fn(|| api.platform.outside().next_parcel()).collect()
}

/// How many deliveries arrived at a host since the last look.
fn arrived(api: &Api) -> impl Fn(&str) -> usize {
    let requests = api.platform.outside().take_requests();
    move |host| requests.iter().filter(|request| request.uri().host() == Some(host)).count()
}

fn kept(api: &Api, endpoint: &str, column: &'static str) -> Value {
    let find = "SELECT * FROM webhook_endpoints WHERE id = ?1";
    api.platform.database().query(find, values![endpoint])[0].0[column].clone()
}

/// Polls a future until nothing happens any more but waiting.
fn settle<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..10_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}

#[test]
fn an_endpoint_that_stalls_starved_all_others_of_its_batch() {
    let api = Api::new();
    let outside = api.platform.outside();
    for host in ["stalling.test", "one.test", "two.test"] {
        endpoint(&api, host);
    }
    let parcels = messages(&api, 60);
    assert_eq!(parcels.len(), 18, "six messages for each");
    outside.stall("stalling.test", true);
    let lot = run(Lot::open(&api.platform, &parcels)).expect("a lot");
    {
        let work = pin!(lot.work(&api.platform));
        assert_eq!(settle(work), None, "it stalls");
        let arrived = arrived(&api);
        assert_eq!((arrived("one.test"), arrived("two.test")), (60, 60));
        assert_eq!(arrived("stalling.test"), 0);
        assert_eq!(outside.most_under_way("stalling.test"), 1, "its share of what three have");
        assert!(outside.most_under_way("") <= 5);
    }
}

#[test]
fn more_went_to_an_endpoint_at_a_time_than_it_takes_where_it_had_many_messages() {
    let api = Api::new();
    endpoint(&api, "busy.test");
    let parcels = messages(&api, 100);
    assert_eq!(parcels.len(), 10);
    api.platform.yields(true);
    let lot = run(Lot::open(&api.platform, &parcels)).expect("a lot");
    run(lot.work(&api.platform));
    api.platform.yields(false);
    assert_eq!(arrived(&api)("busy.test"), 100);
    assert_eq!(api.platform.outside().most_under_way("busy.test"), 4);
}

#[test]
fn endpoints_that_stall_on_every_connection_are_let_go_of_and_the_rest_comes_again() {
    let api = Api::new();
    let outside = api.platform.outside();
    let hosts: Vec<String> = (0..5).map(|number| format!("stalling{number}.test")).collect();
    let stalling: Vec<String> = hosts.iter().map(|host| endpoint(&api, host)).collect();
    let well = endpoint(&api, "well.test");
    let mut parcels = messages(&api, 20);
    // The worst order: whoever stalls comes first.
    parcels.sort_by_key(|parcel| parcel.endpoint == well);
    hosts.iter().for_each(|host| outside.stall(host, true));
    let lot = run(Lot::open(&api.platform, &parcels)).expect("a lot");
    let mut work = pin!(lot.work(&api.platform));
    assert_eq!(settle(work.as_mut()), None, "it stalls");
    let beats = (1..10).find(|_| lot.is_held_up()).expect("it is held up");
    assert_eq!(beats, 3, "not for what takes no longer than others");
    run(lot.let_go(&api.platform)).expect("it lets go");
    // What was not begun comes again, with connections of its own.
    let again: Vec<Parcel> = std::iter::from_fn(|| outside.next_parcel()).collect();
    assert!(again.iter().all(|parcel| parcel.endpoint == well), "{again:?}");
    let next = run(Lot::open(&api.platform, &again)).expect("a lot");
    run(next.work(&api.platform));
    assert_eq!(arrived(&api)("well.test"), 20);
    // The objects of the others wait until what is under way has ended, so that no more is than they take.
    for id in &stalling {
        assert_eq!(kept(&api, id, "is_alone"), 1);
        assert!(matches!(run(deliver_alone(&api.platform, id)), Ok(Next::At(_))), "{id}");
    }
    hosts.iter().for_each(|host| outside.stall(host, false));
    settle(work).expect("it ends");
    api.platform.yields(true);
    api.deliver();
    let arrived = arrived(&api);
    assert_eq!(hosts.iter().map(|host| arrived(host)).collect::<Vec<_>>(), [20; 5]);
    assert_eq!(hosts.iter().map(|host| outside.most_under_way(host)).max(), Some(4));
}

#[test]
fn an_endpoint_that_is_slow_was_given_back_to_the_consumer_whenever_it_rested() {
    let api = Api::new();
    let slow = endpoint(&api, "slow.test");
    api.platform.outside().take(2_500);
    for _ in 0..2 {
        api.post("/v1/customers", &[]).ok();
        api.deliver();
        run(deliver_alone(&api.platform, &slow)).expect("it rests");
        assert_eq!(kept(&api, &slow, "is_alone"), 1);
    }
    api.platform.outside().take(10);
    api.post("/v1/customers", &[]).ok();
    api.deliver();
    assert_eq!(arrived(&api)("slow.test"), 3);
    assert_eq!(kept(&api, &slow, "is_alone"), 0, "it took one soon");
}
