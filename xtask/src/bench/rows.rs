//! `cargo xtask bench --rows N`: what reads cost over N payment intents beside what they cost over a thousand. Requests
//! to both alternate, so that what else the machine does falls on both alike.
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::client::{Connection, request};
use super::load::percentile;
use super::server::{Server, Wrapper};

/// The smaller store.
const FEW: u64 = 1_000;

/// How many rows one statement makes.
const CHUNK: u64 = 20_000;

/// How often each request is made to each store, unless that takes too long.
pub const TIMES: u64 = 400;

/// The most that a read over the larger store may take, beside the same over the smaller.
const LIMIT: f64 = 1.5;

/// Every tenth intent is over this amount, the others over one of 20,000; ten intents share a customer and twenty
/// plans all of them, an order number belongs to one.
const INTENTS: &str = "\
    WITH RECURSIVE n (i) AS \
    (SELECT CAST(?1 AS INTEGER) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2), \
    made (i, amount, status) AS (SELECT i, iif(i % 10 = 0, 2000, 100 + i * 7919 % 20000), \
    CASE i % 20 WHEN 0 THEN 'canceled' WHEN 1 THEN 'requires_payment_method' \
    WHEN 2 THEN 'requires_capture' WHEN 3 THEN 'processing' ELSE 'succeeded' END FROM n) \
    INSERT INTO payment_intents (id, account, livemode, created, version, amount, currency, \
    capturable, received, status, canceled_at, customer, payment_method, details) \
    SELECT printf('pi_%010d%014d', i * 2654435761 % 4294967296, i), t.account, 0, \
    t.created - (CAST(?3 AS INTEGER) - i) * 20, 2, made.amount, 'usd', \
    iif(made.status = 'requires_capture', made.amount, 0), \
    iif(made.status = 'succeeded', made.amount, 0), made.status, \
    iif(made.status = 'canceled', t.created, NULL), printf('cus_%024d', i / 10), t.payment_method, \
    json_set(t.details, '$.metadata', \
    json_object('order', 'order-' || i, 'plan', 'plan-' || (i / 10 % 20))) \
    FROM made JOIN payment_intents AS t ON t.id = ?4";

const METADATA: &str = "\
    INSERT INTO metadata_entries (account, livemode, resource, key, value, created, sequence) \
    SELECT p.account, 0, 'payment_intent', m.key, m.value, p.created, p.sequence \
    FROM payment_intents AS p, json_each(p.details, '$.metadata') AS m \
    WHERE p.sequence > ?1 AND p.sequence <= ?2";

const CUSTOMERS: &str = "\
    WITH RECURSIVE n (i) AS \
    (SELECT CAST(?1 AS INTEGER) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2) \
    INSERT INTO customers (id, account, livemode, created, version, deleted, email, folded_email, \
    details) SELECT printf('cus_%024d', i), t.account, 0, \
    t.created - (CAST(?3 AS INTEGER) - i) * 200, 1, 0, printf('customer-%d@example.com', i), \
    printf('customer-%d@example.com', i), json_object('name', printf('Customer %d', i)) \
    FROM n JOIN payment_intents AS t ON t.id = ?4";

/// A server with a store of known size.
pub struct Store {
    /// The server.
    pub server: Server,
    /// A secret key of its merchant.
    pub key: String,
    /// How many rows it has of what is counted.
    pub rows: u64,
    /// When the newest intent was made.
    pub created: i64,
}

/// Runs the task.
pub fn run(rows: u64, place: &Path, as_json: bool) -> Result<ExitCode> {
    let few = seeded(FEW, place)?;
    let many = seeded(rows, place)?;
    let mut reads = Vec::new();
    for name in NAMES {
        let ask = |store: &Store, number| {
            request("GET", &target(name, store, number), &store.key, None, "")
        };
        reads.push(compare(name, [&few, &many], TIMES, ask)?);
    }
    show(&json!({ "few": FEW, "many": rows, "reads": reads }), LIMIT, as_json);
    Ok(ExitCode::SUCCESS)
}

/// Prints what was compared; `limit` is what the larger store may take at most beside the smaller.
pub fn show(report: &Value, limit: f64, as_json: bool) {
    if as_json {
        println!("{report}");
        return;
    }
    println!(
        "{:<34}{:>10}{:>10}{:>9}{:>9}  objects found",
        "p50 in ms over",
        report["few"].as_u64().unwrap_or_default(),
        report["many"].as_u64().unwrap_or_default(),
        "ratio",
        "p90"
    );
    for read in report["reads"].as_array().into_iter().flatten() {
        let name = read["name"].as_str().unwrap_or_default();
        let number = |name: &str| read[name].as_f64().unwrap_or_default();
        match read["status"].as_u64() {
            Some(200) => println!(
                "{name:<34}{:>10.2}{:>10.2}{:>7.2} x{:>7.2} x  {:.1} and {:.1}{}",
                number("few_ms"),
                number("many_ms"),
                number("ratio"),
                number("ratio_p90"),
                number("few_found"),
                number("many_found"),
                if number("ratio") > limit { "  MORE THAN ALLOWED" } else { "" }
            ),
            status => println!("{name:<34} answered with {}", status.unwrap_or_default()),
        }
    }
}

const NAMES: [&str; 10] = [
    "retrieve",
    "list by account",
    "list by customer",
    "list by created",
    "search by status",
    "search by customer",
    "search by exact amount",
    "search by metadata, one of 20",
    "search by metadata, its own",
    "search customers by email",
];

/// What one of the reads asks a store for.
fn target(name: &str, store: &Store, number: u64) -> String {
    // Far apart from one request to the next, so that no page is in a cache by chance only.
    let place = number * 7_919 % store.rows;
    let customer = format!("cus_{:024}", place / 10);
    let search = |kind: &str, query: &str| {
        let query = query.replace('"', "%22").replace(' ', "%20").replace('@', "%40");
        format!("/v1/{kind}/search?query={query}")
    };
    match name {
        "retrieve" => {
            let mixed = place * 2_654_435_761 % 4_294_967_296;
            format!("/v1/payment_intents/pi_{mixed:010}{place:014}")
        }
        "list by account" => "/v1/payment_intents?limit=10".to_owned(),
        "list by customer" => format!("/v1/payment_intents?customer={customer}"),
        "list by created" => {
            let at = store.created - (store.rows.saturating_sub(place) as i64) * 20;
            format!("/v1/payment_intents?created[lte]={at}")
        }
        "search by status" => search("payment_intents", "status:\"requires_capture\""),
        "search by customer" => search("payment_intents", &format!("customer:\"{customer}\"")),
        "search by exact amount" => search("payment_intents", "amount:2000"),
        "search by metadata, one of 20" => {
            search("payment_intents", &format!("metadata[\"plan\"]:\"plan-{}\"", place % 20))
        }
        "search by metadata, its own" => {
            search("payment_intents", &format!("metadata[\"order\"]:\"order-{place}\""))
        }
        _ => search("customers", &format!("email:\"customer-{}@example.com\"", place / 10)),
    }
}

/// What makes a payment.
pub const PAYMENT: &str =
    "amount=2000&currency=usd&payment_method=pm_card_visa&payment_method_types[]=card&confirm=true";

/// A server whose store holds one payment, and the id of its intent.
pub fn begun(rows: u64, place: &Path) -> Result<(Store, String)> {
    let mut server = Server::florin(place, Wrapper::None)?;
    let key = server.account()?;
    let mut connection = Connection::open(server.port)?;
    let status = connection.send(&request("POST", "/v1/payment_intents", &key, None, PAYMENT))?;
    let intent: Value = serde_json::from_slice(&connection.body)?;
    let id = intent["id"].as_str().with_context(|| format!("{status}: {intent}"))?.to_owned();
    let created = intent["created"].as_i64().context("an intent without a date")?;
    Ok((Store { server, key, rows, created }, id))
}

/// A server whose store holds this many intents.
fn seeded(rows: u64, place: &Path) -> Result<Store> {
    let (mut store, id) = begun(rows, place)?;
    let started = Instant::now();
    for from in (0..rows).step_by(usize::try_from(CHUNK)?) {
        let to = rows.min(from + CHUNK);
        let statements = vec![
            json!([INTENTS, from, to, rows, id]),
            json!([CUSTOMERS, from / 10, to.div_ceil(10), rows / 10, id]),
            // The template is the first row.
            json!([METADATA, from + 1, to + 1]),
        ];
        store.server.batch(statements).context(
            "the rows do not fit the migrations: bring the statements at the top of rows.rs up to them",
        )?;
        if from % 200_000 == 0 && from > 0 {
            eprintln!("bench: {from} of {rows} after {:.0} s", started.elapsed().as_secs_f32());
        }
    }
    eprintln!("bench: {rows} payment intents after {:.0} s", started.elapsed().as_secs_f32());
    Ok(store)
}

/// Asks both stores the same, so many times and in turn.
pub fn compare(
    name: &str,
    stores: [&Store; 2],
    count: u64,
    ask: impl Fn(&Store, u64) -> Vec<u8>,
) -> Result<Value> {
    let [few, many] = stores;
    let mut connections = [Connection::open(few.server.port)?, Connection::open(many.server.port)?];
    let mut times: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
    let mut found = [0, 0];
    for number in 0..count {
        for (((store, connection), times), found) in
            stores.iter().zip(&mut connections).zip(&mut times).zip(&mut found)
        {
            let bytes = ask(store, number);
            connection.revive()?;
            let started = Instant::now();
            let status = connection.send(&bytes)?;
            times.push(started.elapsed());
            let body = std::str::from_utf8(&connection.body)?;
            *found += body.matches("\"livemode\":").count();
            if status != 200 {
                eprintln!("bench: {name}: {body}");
                return Ok(json!({ "name": name, "status": status }));
            }
        }
    }
    times.iter_mut().for_each(|times| times.sort_unstable());
    let [few, many] = times;
    let ratio = |percent| percentile(&many, percent) / percentile(&few, percent);
    Ok(json!({
        "name": name,
        "status": 200,
        // How many objects an answer holds: a read that finds nothing would be fast for another reason.
        "few_found": found[0] as f64 / count as f64,
        "many_found": found[1] as f64 / count as f64,
        "few_ms": percentile(&few, 50),
        "many_ms": percentile(&many, 50),
        "ratio": ratio(50),
        "ratio_p90": ratio(90),
    }))
}
