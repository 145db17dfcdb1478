//! `cargo xtask bench --entries N`: what a balance and a payment cost over N entries of the ledger beside what they cost
//! over a thousand. Both stores hold the entries of as many days, so that only the volume differs.
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::json;

use super::client::request;
use super::rows::{PAYMENT, Store, TIMES, begun, compare, show};

/// The smaller store.
const FEW: u64 = 1_000;

/// How many payments one batch books.
const CHUNK: u64 = 5_000;

/// The most that an operation over the larger store may take, beside the same over the smaller.
const LIMIT: f64 = 1.3;

/// How many days the entries are spread over; of each, the merchant has something left.
const DAYS: u64 = 100;

/// Three entries for each payment, as a payment of 20 dollars has them once its day came.
const ENTRIES: &str = "\
    WITH RECURSIVE n (i) AS \
    (SELECT CAST(?1 AS INTEGER) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2), \
    legs (leg, kind, amount) AS (VALUES (0, 'cash', 2000), (1, 'available', -1912), (2, 'fees', -88)) \
    INSERT INTO ledger_entries (cause, leg, owner, livemode, currency, kind, day, amount, created) \
    SELECT printf('att_%010d%012d:captured', i * 2654435761 % 4294967296, i), leg, \
    iif(kind = 'available', t.account, 'platform'), 0, 'usd', kind, \
    iif(kind = 'available', t.created / 86400 - i % CAST(?3 AS INTEGER), 0), legs.amount, t.created \
    FROM n CROSS JOIN legs JOIN payment_intents AS t ON t.id = ?4";

const TRANSACTIONS: &str = "\
    WITH RECURSIVE n (i) AS \
    (SELECT CAST(?1 AS INTEGER) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2) \
    INSERT INTO balance_transactions (id, account, livemode, created, type, currency, amount, fee, net, \
    available_on, source, details) \
    SELECT printf('txn_%010d%012d', i * 2654435761 % 4294967296, i), t.account, 0, t.created, 'charge', \
    'usd', 2000, 88, 1912, t.created, printf('ch_%010d%012d', i * 2654435761 % 4294967296, i), \
    json_object('cause', printf('att_%010d%012d:captured', i * 2654435761 % 4294967296, i)) \
    FROM n JOIN payment_intents AS t ON t.id = ?3";

/// Runs the task.
pub fn run(entries: u64, place: &Path, as_json: bool) -> Result<ExitCode> {
    let few = seeded(FEW, place)?;
    let many = seeded(entries, place)?;
    let balance = |store: &Store, _| request("GET", "/v1/balance", &store.key, None, "");
    let payment = |store: &Store, number| {
        let once = format!("entries-{number}");
        request("POST", "/v1/payment_intents", &store.key, Some(&once), PAYMENT)
    };
    let reads = [
        compare("balance", [&few, &many], TIMES, balance)?,
        compare("payment", [&few, &many], TIMES, payment)?,
    ];
    show(&json!({ "few": FEW, "many": entries, "reads": reads }), LIMIT, as_json);
    Ok(ExitCode::SUCCESS)
}

/// A server whose ledger holds this many entries.
fn seeded(entries: u64, place: &Path) -> Result<Store> {
    let (mut store, id) = begun(entries, place)?;
    let started = Instant::now();
    let payments = entries.div_ceil(3);
    for from in (0..payments).step_by(usize::try_from(CHUNK)?) {
        let to = payments.min(from + CHUNK);
        let statements =
            vec![json!([ENTRIES, from, to, DAYS, id]), json!([TRANSACTIONS, from, to, id])];
        store.server.batch(statements).context(
            "the entries do not fit the migrations: bring the statements at the top of entries.rs up to them",
        )?;
    }
    eprintln!("bench: {entries} entries after {:.0} s", started.elapsed().as_secs_f32());
    Ok(store)
}
