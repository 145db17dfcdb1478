//! `cargo xtask bench --webhooks`: how many events are accepted and delivered, what a delivery costs in rows and messages,
//! and what endpoints cost a payment.
use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::client::{Connection, request};
use super::listener;
use super::load;
use super::operation::{Operation, Prepared};
use super::rows::{PAYMENT, Store, compare, show};
use super::server::{Server, Subject, Wrapper};

/// How many endpoints the second account has.
const MANY: u64 = 10;

/// How many endpoints a payment's time is measured with; an account has no more.
const MOST: u64 = 16;

/// The most that a payment may take with that many endpoints, beside one without any.
const LIMIT: f64 = 1.05;

/// The most rows that a delivery to one of many endpoints may write where it succeeds at its first try, beside
/// cursors: each slice of events writes one.
const MOST_ROWS: f64 = 2.0;

/// On how many connections payments are made.
const CONNECTIONS: usize = 16;

/// How long payments are made before they are measured: each of their events has to reach up to 16 endpoints before the
/// next measurement begins.
const WARM_UP: Duration = Duration::from_secs(3);

/// How often a payment is made beside one of an account without endpoints.
const TIMES: u64 = 200;

/// What a message costs: it is written, read and deleted.
const OPERATIONS: f64 = 3.0;

/// How many payments show what deliveries cost.
const COUNTED: u64 = 100;

/// A payment's events: its intent created and succeeded, its charge succeeded.
const EVENTS: u64 = 3;

/// How long an announcement gathers events, and some more.
const GATHERS: Duration = Duration::from_millis(250);

/// Runs the task.
pub fn run(place: &Path, length: Duration, as_json: bool) -> Result<ExitCode> {
    let ways = [0, 1, MANY, MOST].map(|endpoints| end_to_end(place, length, endpoints));
    let ways = ways.into_iter().collect::<Result<Vec<_>>>()?;
    let costs = [1, MANY].map(|endpoints| costs(place, endpoints));
    let costs = costs.into_iter().collect::<Result<Vec<_>>>()?;
    let latency = latency(place)?;
    if as_json {
        println!("{}", json!({ "end_to_end": ways, "costs": costs, "latency": latency }));
        return Ok(ExitCode::SUCCESS);
    }
    ways.iter().for_each(show_way);
    costs.iter().for_each(show_cost);
    show(&latency, LIMIT, false);
    Ok(ExitCode::SUCCESS)
}

fn show_way(way: &Value) {
    let number = |name: &str| way[name].as_f64().unwrap_or_default();
    println!(
        "to {} endpoints: {:.0} events accepted each second, a payment in {:.1} ms (median) beside their deliveries; {:.0} \
         deliveries each second until the last of {}, {} of them made twice, {:.1} s after the last payment; {:.2} ms of \
         processors for each delivery of that time",
        way["endpoints"],
        number("accepted_per_second"),
        number("payment_ms"),
        number("delivered_per_second"),
        way["deliveries"],
        way["made_twice"],
        number("last_delivery_after_seconds"),
        number("processor_ms_per_delivery"),
    );
}

fn show_cost(cost: &Value) {
    let number = |name: &str| cost[name].as_f64().unwrap_or_default();
    let is_too_much = cost["endpoints"] == MANY && number("rows_per_delivery") > MOST_ROWS;
    println!(
        "to {} endpoints an event writes {:.2} rows and takes {:.2} operations of queues ({:.2} messages); a delivery \
         writes {:.2} of them{}, cursors {:.2} for an event; {:.2} batches of {:.2} statements together for a delivery",
        cost["endpoints"],
        number("rows_per_event"),
        number("operations_per_event"),
        number("messages_per_event"),
        number("rows_per_delivery"),
        if is_too_much { "  MORE THAN ALLOWED" } else { "" },
        number("cursor_rows_per_event"),
        number("batches_per_delivery"),
        number("statements_per_delivery"),
    );
}

/// A server of webhooks that takes everything.
struct Receiver {
    port: u16,
    taken: Arc<Mutex<Taken>>,
}

/// What was taken.
#[derive(Default)]
struct Taken {
    /// Which event by which endpoint, by its path. One that comes twice makes up for none that never comes.
    events: HashSet<(String, String)>,
    /// How often one came that was taken before.
    twice: u64,
}

impl Receiver {
    fn start() -> Result<Self> {
        let taken = Arc::new(Mutex::new(Taken::default()));
        let list = Arc::clone(&taken);
        let port = listener::serve(move |arrived| {
            let event = arrived.header("webhook-id").to_owned();
            let mut taken = list.lock().unwrap_or_else(PoisonError::into_inner);
            let is_new = taken.events.insert((arrived.target.clone(), event));
            taken.twice += u64::from(!is_new);
            Some(String::new())
        })?;
        Ok(Self { port, taken })
    }

    fn taken(&self) -> u64 {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).events.len() as u64
    }

    fn taken_twice(&self) -> u64 {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).twice
    }

    /// Waits until so many endpoints have taken an event, each event counted once, for as long as some come.
    fn wait_for(&self, count: u64) -> Result<()> {
        let (mut last, mut came) = (self.taken(), Instant::now());
        while last < count {
            let taken = self.taken();
            if taken > last {
                (last, came) = (taken, Instant::now());
            }
            ensure!(came.elapsed() < Duration::from_secs(150), "{taken} of {count} arrived");
            sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

/// A server with an account of so many endpoints.
fn merchant(place: &Path, receiver: &Receiver, endpoints: u64, wrapper: Wrapper) -> Result<Store> {
    let mut server = Server::florin_in_development(place, wrapper)?;
    let key = server.account()?;
    let mut connection = Connection::open(server.port)?;
    for number in 0..endpoints {
        let body = format!("url=http://127.0.0.1:{}/{number}&enabled_events[]=*", receiver.port);
        let bytes = request("POST", "/v1/webhook_endpoints", &key, None, &body);
        let status = connection.send(&bytes)?;
        ensure!(status == 200, "{}", String::from_utf8_lossy(&connection.body));
    }
    Ok(Store { server, key, rows: endpoints, created: 0 })
}

/// Pays as fast as it goes, and waits for the last delivery.
fn end_to_end(place: &Path, length: Duration, endpoints: u64) -> Result<Value> {
    let receiver = Receiver::start()?;
    let mut store = merchant(place, &receiver, endpoints, Wrapper::None)?;
    let port = store.server.port;
    let prepared = Prepared::new(Operation::CreateAndConfirm, Subject::Florin, &store.key, port)?;
    let started = Instant::now();
    let figures = load::drive(&prepared, &store.server, CONNECTIONS, (WARM_UP, length))?;
    let (paid, taken, busy) = (Instant::now(), receiver.taken(), store.server.processor_time());
    let count = store.server.batch(vec![json!(["SELECT count(*) AS n FROM events"])])?;
    let events = count[0][0]["n"].as_u64().context("no count of events")?;
    receiver.wait_for(events * endpoints)?;
    let arrived = Instant::now();
    let busy = store.server.processor_time().zip(busy);
    let late = (events * endpoints).saturating_sub(taken);
    eprintln!(
        "bench: {events} events to {endpoints} endpoints after {:.0} s",
        (arrived - started).as_secs_f64()
    );
    Ok(json!({
        "endpoints": endpoints,
        "events": events,
        "deliveries": events * endpoints,
        "accepted_per_second": figures.per_second * EVENTS as f64,
        "payment_ms": figures.p50,
        "made_twice": receiver.taken_twice(),
        "delivered_per_second": (events * endpoints) as f64 / (arrived - started).as_secs_f64(),
        "last_delivery_after_seconds": (arrived - paid).as_secs_f64(),
        // What others do on the machine changes it less than the time.
        "processor_ms_per_delivery": busy.filter(|_| late > 0).map(|(after, before)| {
            after.saturating_sub(before).as_secs_f64() * 1_000.0 / late as f64
        }),
    }))
}

/// What deliveries wrote and sent, where all went well at the first try.
fn costs(place: &Path, endpoints: u64) -> Result<Value> {
    let receiver = Receiver::start()?;
    let store = merchant(place, &receiver, endpoints, Wrapper::Observer)?;
    let mut connection = Connection::open(store.server.port)?;
    for number in 0..COUNTED {
        let once = format!("counted-{number}");
        let bytes = request("POST", "/v1/payment_intents", &store.key, Some(&once), PAYMENT);
        let status = connection.send(&bytes)?;
        ensure!(status == 200, "{}", String::from_utf8_lossy(&connection.body));
    }
    let events = COUNTED * EVENTS;
    receiver.wait_for(events * endpoints)?;
    // What arrived last is recorded after its answer.
    sleep(Duration::from_secs(1));
    connection.revive()?;
    connection.send(&request("GET", "/v1/balance", &store.key, None, ""))?;
    let observed: Value = serde_json::from_str(connection.observed.as_deref().unwrap_or("null"))?;
    let seen = |name: &str| observed["deliveries"][name].as_u64();
    let numbers = ["delivery_rows", "cursor_rows", "batches", "statements", "messages"].map(seen);
    let [Some(rows), Some(cursor), Some(batches), Some(statements), Some(messages)] = numbers
    else {
        bail!("the observer saw no deliveries: {observed}");
    };
    let (of_events, of_deliveries) = (events as f64, (events * endpoints) as f64);
    Ok(json!({
        "endpoints": endpoints,
        "events": events,
        "rows_per_event": (rows + cursor) as f64 / of_events,
        "cursor_rows_per_event": cursor as f64 / of_events,
        "rows_per_delivery": rows as f64 / of_deliveries,
        "batches_per_delivery": batches as f64 / of_deliveries,
        "statements_per_delivery": statements as f64 / of_deliveries,
        "messages_per_event": messages as f64 / of_events,
        "operations_per_event": messages as f64 / of_events * OPERATIONS,
    }))
}

/// A payment with many endpoints beside one without any, each made when the deliveries of the one before are over: what
/// is measured is the payment's own way, not how many workers share a processor.
fn latency(place: &Path) -> Result<Value> {
    let receiver = Receiver::start()?;
    let none = merchant(place, &receiver, 0, Wrapper::None)?;
    let many = merchant(place, &receiver, MOST, Wrapper::None)?;
    let read = compare("payment", [&none, &many], TIMES, |store, number| {
        sleep(GATHERS);
        // A delivery that never comes shows below.
        drop(receiver.wait_for(number * EVENTS * MOST));
        let once = format!("latency-{number}");
        request("POST", "/v1/payment_intents", &store.key, Some(&once), PAYMENT)
    })?;
    ensure!(read["status"] == 200, "a payment was refused");
    Ok(json!({ "few": 0, "many": MOST, "reads": [read] }))
}
