//! What migrations do with rows that were there before them.

use std::path::Path;

use rusqlite::Connection;
use store::audit::checks;

/// The migrations, in order.
fn migrations() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the migrations are beside the tests")
        .map(|entry| entry.expect("the folder is readable").path())
        .collect();
    files.sort();
    files.iter().map(|file| std::fs::read_to_string(file).expect("it is readable")).collect()
}

/// Charges and refunds as they were written before there was a ledger.
const BEFORE_THE_LEDGER: &str = "
    INSERT INTO charges (id, account, livemode, created, version, amount, currency, captured, released, refunded,
      status, disputed, details) VALUES
      ('ch_paid', 'acct_1', 0, 86400, 1, 2000, 'usd', 2000, 0, 700, 'succeeded', 0, '{\"description\": \"Tea\"}'),
      ('ch_part', 'acct_1', 0, 86400, 1, 2000, 'eur', 1500, 500, 0, 'succeeded', 0, '{}'),
      ('ch_held', 'acct_2', 0, 86400, 1, 900, 'usd', 0, 0, 0, 'succeeded', 0, '{}'),
      ('ch_gone', 'acct_2', 0, 86400, 1, 900, 'usd', 0, 900, 0, 'succeeded', 0, '{}'),
      ('ch_none', 'acct_2', 0, 86400, 1, 900, 'usd', 0, 0, 0, 'failed', 0, '{}');
    INSERT INTO refunds (id, account, livemode, created, version, amount, currency, status, charge, details) VALUES
      ('re_done', 'acct_1', 0, 172800, 1, 700, 'usd', 'succeeded', 'ch_paid', '{}'),
      ('re_fail', 'acct_1', 0, 172800, 1, 300, 'usd', 'failed', 'ch_paid', '{}'),
      ('re_void', 'acct_2', 0, 172800, 1, 900, 'usd', 'succeeded', 'ch_gone', '{}');
    INSERT INTO scheduled_tasks (due_at, kind, subject, account, livemode, tries) VALUES
      (691200, 'expire_authorization', 'ch_held', 'acct_2', 0, 0);";

#[test]
fn books_are_opened_for_what_was_there_before_the_ledger() {
    let database = Connection::open_in_memory().expect("SQLite opens");
    let migrations = migrations();
    let (before, after) = migrations.split_at(4);
    for sql in before.iter().map(String::as_str).chain([BEFORE_THE_LEDGER]) {
        database.execute_batch(sql).expect("it runs");
    }
    for sql in after {
        database.execute_batch(sql).expect("it runs");
    }
    for (stage, check) in checks() {
        let broken =
            database.prepare(&check.whole(stage, "0")).and_then(|mut found| found.exists([]));
        assert_eq!(broken, Ok(false), "{}", check.holds);
    }
    let one =
        |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number");
    let owed = |currency: &str| {
        one(&format!(
            "SELECT -sum(balance) FROM ledger_accounts WHERE owner = 'acct_1' AND currency = '{currency}'"
        ))
    };
    assert_eq!((owed("usd"), owed("eur")), (1300, 1500));
    assert_eq!(
        one("SELECT -sum(balance) FROM ledger_accounts WHERE kind = 'authorized_funds'"),
        900
    );
    assert_eq!(one("SELECT count(*) FROM balance_transactions"), 3);
    // Running it once more opens nothing twice.
    let opening = after.iter().find(|sql| sql.contains("'txn_opening_'")).expect("a migration");
    database.execute_batch(opening).expect("it runs");
    assert_eq!(one("SELECT count(*) FROM balance_transactions"), 3);
}
