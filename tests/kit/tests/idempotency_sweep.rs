//! The sweep of idempotency records, over the SQLite and the statements that the objects have.

use domain::Timestamp;
use domain::idempotency::{Answer, LEASE, RETENTION, Record, has_expired};
use domain::timestamp::HOUR;
use kit::Database;
use store::idempotency_records::{INDEX, SWEEP, TABLE};
use store::values;

const NOW: i64 = 10_000_000;

fn record(age: i64, lease_until: i64, is_answered: bool) -> Record {
    let answer = Answer { status: 200, body: "{}".to_owned() };
    Record {
        fingerprint: "f".to_owned(),
        seed: "s".to_owned(),
        epoch: 1,
        lease_until: Timestamp(lease_until),
        request_id: "req_1".to_owned(),
        created: Timestamp(NOW - age),
        answer: is_answered.then_some(answer),
    }
}

/// An object with these records, each under its place.
fn keeping(records: &[Record]) -> Database {
    let database = Database::new();
    database.query(TABLE, vec![]);
    database.query(INDEX, vec![]);
    for (place, record) in records.iter().enumerate() {
        let text = serde_json::to_string(record).expect("a record");
        let sql = "INSERT INTO records (key, record, created) VALUES (?1, ?2, ?3)";
        let key = format!("key-{place}");
        database.query(sql, values![key.as_str(), text.as_str(), record.created.seconds()]);
    }
    database
}

fn sweep(database: &Database, now: i64, most: i64) {
    database.query(SWEEP, values![now - 2 * RETENTION, now, most]);
}

fn left(database: &Database) -> Vec<String> {
    let rows = database.query("SELECT key FROM records ORDER BY key", vec![]);
    rows.iter().map(|row| row.text("key").expect("a key").to_owned()).collect()
}

#[test]
fn a_request_that_ran_when_its_key_was_swept_would_have_been_paid_again_by_its_retry() {
    let began = 2 * RETENTION;
    let records = [
        // It was asked for once more in the last second.
        record(began, NOW - 1 + LEASE, false),
        record(began, NOW, false),
        record(began, 0, true),
        record(began - 1, 0, false),
        record(3 * RETENTION, NOW + 1, false),
        record(HOUR, NOW + LEASE, false),
    ];
    let database = keeping(&records);
    sweep(&database, NOW, 1_000);
    assert_eq!(left(&database), ["key-0", "key-3", "key-4", "key-5"]);
    for (place, record) in records.iter().enumerate() {
        let is_kept = left(&database).contains(&format!("key-{place}"));
        assert!(is_kept || has_expired(record, Timestamp(NOW)), "{record:?}");
    }
    // The next one comes for them.
    sweep(&database, NOW + LEASE, 1_000);
    assert_eq!(left(&database), ["key-5"]);
}

#[test]
fn a_sweep_takes_so_many_and_not_those_that_run_in_their_place() {
    let mut records = vec![record(3 * RETENTION, NOW + 1, false); 3];
    records.extend(vec![record(2 * RETENTION, 0, false); 3]);
    let database = keeping(&records);
    sweep(&database, NOW, 2);
    assert_eq!(left(&database), ["key-0", "key-1", "key-2", "key-5"]);
    assert!(!database.plan(SWEEP).iter().any(|step| step.contains("SCAN records")));
}
