//! Endpoints that share a consumer: one that stalls or has much to hear leaves the others their share, and none gets
//! more at a time than it takes.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use api::Api;
use flows::webhooks::{Lot, Next, Parcel, deliver_alone};
use kit::{Fault, run, take_turns};
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

/// Where deliveries arrived since the last look, in their order.
fn went(api: &Api) -> Vec<String> {
    let requests = api.platform.outside().take_requests();
    requests.iter().filter_map(|request| Some(request.uri().host()?.to_owned())).collect()
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

/// Polls a future once.
fn poll<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Polls a future until nothing happens any more but waiting.
fn settle<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    (0..10_000).find_map(|_| poll(future.as_mut()))
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
    let lot = Lot::of(&parcels);
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
    let lot = Lot::of(&parcels);
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
    let lot = Lot::of(&parcels);
    let mut work = pin!(lot.work(&api.platform));
    assert_eq!(settle(work.as_mut()), None, "it stalls");
    let beats = (1..10).find(|_| run(lot.look_after(&api.platform))).expect("it is held up");
    assert_eq!(beats, 3, "not for what takes no longer than others");
    // What was not begun comes again, with connections of its own.
    let again: Vec<Parcel> = std::iter::from_fn(|| outside.next_parcel()).collect();
    assert!(again.iter().all(|parcel| parcel.endpoint == well), "{again:?}");
    let next = Lot::of(&again);
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

/// So many endpoints and a healthy one, with messages of so many events for each in the worst order: the healthy one's
/// come last.
fn before_a_healthy_one(
    api: &Api,
    count: usize,
    events: usize,
) -> (Vec<String>, String, Vec<Parcel>) {
    let hosts: Vec<String> = (0..count).map(|number| format!("awkward{number}.test")).collect();
    hosts.iter().for_each(|host| drop(endpoint(api, host)));
    let well = endpoint(api, "well.test");
    let mut parcels = messages(api, events);
    parcels.sort_by_key(|parcel| parcel.endpoint == well);
    (hosts, well, parcels)
}

#[test]
fn endpoints_that_take_just_too_little_to_be_slow_held_up_all_others_of_their_batch() {
    let api = Api::new();
    let outside = api.platform.outside();
    let (hosts, _, parcels) = before_a_healthy_one(&api, 8, 30);
    hosts.iter().for_each(|host| outside.take_at(host, 1_900));
    api.platform.yields(true);
    let lot = Lot::of(&parcels);
    let mut work = pin!(lot.work(&api.platform));
    let mut order: Vec<String> = Vec::new();
    let count = |order: &[String], host: &str| order.iter().filter(|other| *other == host).count();
    while count(&order, "well.test") < 30 {
        assert_eq!(poll(work.as_mut()), None, "it is not over");
        order.extend(went(&api));
    }
    for host in &hosts {
        let before = count(&order, host);
        assert!(before <= 2, "{before} at {host} before the last one of who is well");
    }
    // Nor does the batch last for as long as they take: it begins no more, and leaves them to their objects.
    for _ in 0..5 {
        (0..100).for_each(|_| assert_eq!(poll(work.as_mut()), None, "it is not over"));
        assert!(!run(lot.look_after(&api.platform)), "none takes long enough to be let go of");
    }
    order.extend(went(&api));
    settle(work).expect("it ends");
    let last = went(&api);
    assert!(last.len() <= 5, "what was under way: {last:?}");
    assert_eq!(outside.next_parcel(), None, "nothing of it comes again");
    api.platform.yields(false);
    api.deliver();
    order.extend(last.into_iter().chain(went(&api)));
    assert!(hosts.iter().all(|host| count(&order, host) == 30));
}

#[test]
fn the_messages_of_one_endpoint_went_before_all_of_the_next_ones() {
    let api = Api::new();
    let made = [endpoint(&api, "one.test"), endpoint(&api, "two.test")];
    let parcels = messages(&api, 25);
    let sizes: Vec<usize> = parcels.iter().map(|parcel| parcel.events.len()).collect();
    assert_eq!(sizes, [10, 10, 10, 10, 5, 5]);
    for turn in parcels.chunks(2) {
        assert_ne!(turn[0].endpoint, turn[1].endpoint);
        assert!(turn.iter().all(|parcel| made.contains(&parcel.endpoint)));
    }
}

#[test]
fn messages_for_an_endpoint_that_was_under_way_bounced_until_it_had_ended() {
    let api = Api::new();
    let outside = api.platform.outside();
    let made = endpoint(&api, "stalling.test");
    let first = messages(&api, 10);
    let second = messages(&api, 10);
    outside.stall("stalling.test", true);
    let lot = Lot::of(&first);
    assert!(lot.is_under_way(&made), "before anything was waited for");
    let mut work = pin!(lot.work(&api.platform));
    assert_eq!(settle(work.as_mut()), None, "it stalls");
    run(lot.leave(&api.platform, &second[0])).expect("they are left to the object");
    assert_eq!(outside.next_parcel(), None);
    // The object waits until the first batch is done.
    assert!(matches!(run(deliver_alone(&api.platform, &made)), Ok(Next::At(_))));
    outside.stall("stalling.test", false);
    settle(work).expect("it ends");
    assert_eq!(arrived(&api)("stalling.test"), 10);
    assert_eq!(kept(&api, &made, "held_until"), Value::Null);
    assert!(!lot.is_under_way(&made));
    api.platform.yields(true);
    api.deliver();
    api.platform.yields(false);
    assert_eq!(arrived(&api)("stalling.test"), 10);
    assert_eq!(outside.most_under_way("stalling.test"), 4);
    assert_eq!(kept(&api, &made, "is_alone"), 0, "it was not slow");
}

#[test]
fn deliveries_that_were_left_to_an_object_just_when_the_others_ended_waited_for_nobody() {
    for polls in 1..30 {
        let api = Api::new();
        let made = endpoint(&api, "well.test");
        let (first, second) = (messages(&api, 3), messages(&api, 3));
        api.platform.yields(true);
        let lot = Lot::of(&first);
        take_turns(
            &[(0, polls), (1, 1)],
            vec![
                Box::pin(lot.work(&api.platform)),
                Box::pin(async {
                    lot.leave(&api.platform, &second[0]).await.expect("they are left");
                }),
            ],
        );
        api.platform.yields(false);
        assert_eq!(kept(&api, &made, "held_until"), Value::Null, "after {polls} polls");
        api.deliver();
        assert_eq!(arrived(&api)("well.test"), 6, "after {polls} polls");
    }
}

#[test]
fn a_consumer_ended_the_wait_for_attempts_of_another_one() {
    let api = Api::new();
    let outside = api.platform.outside();
    let made = endpoint(&api, "stalling.test");
    outside.stall("stalling.test", true);
    let (first, second) = (messages(&api, 1), messages(&api, 1));
    // Two isolates, which know nothing of each other; the second one lets go of it a second later.
    let lots = [Lot::of(&first), Lot::of(&second)];
    let mut works: Vec<_> = lots.iter().map(|lot| Box::pin(lot.work(&api.platform))).collect();
    works.iter_mut().for_each(|work| assert_eq!(settle(work.as_mut()), None, "it stalls"));
    for lot in &lots {
        assert!((1..=3).any(|_| run(lot.look_after(&api.platform))), "it lets go");
        api.platform.advance(1);
    }
    outside.stall("stalling.test", false);
    settle(works.remove(0).as_mut()).expect("it ends");
    assert_ne!(kept(&api, &made, "held_until"), Value::Null, "the other one's still stand out");
    settle(works.remove(0).as_mut()).expect("it ends");
    assert_eq!(kept(&api, &made, "held_until"), Value::Null);
}

#[test]
fn messages_were_taken_for_done_though_nobody_was_left_their_deliveries() {
    let api = Api::new();
    let outside = api.platform.outside();
    let (hosts, well, parcels) = before_a_healthy_one(&api, 5, 20);
    hosts.iter().for_each(|host| outside.stall(host, true));
    let lot = Lot::of(&parcels);
    let mut work = pin!(lot.work(&api.platform));
    assert_eq!(settle(work.as_mut()), None, "it stalls");
    outside.queue_hop.fail(1, Fault::BeforeEffect);
    assert!((1..=3).any(|_| run(lot.look_after(&api.platform))), "it lets go");
    assert!(lot.problem(&well).is_some_and(|problem| problem.contains("queue")));
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
