//! I3, and the ledger's side of I8: whatever moved, the books balance and agree with the objects.

use std::collections::BTreeMap;

use kit::Database;
use store::Row;

use super::{number, run, text};

/// Checks the entries against themselves, the balances against the entries, and both against the objects.
pub fn check(database: &Database) {
    entries_balance(database);
    balances_are_the_sums_of_their_entries(database);
    merchants_are_owed_what_their_transactions_say(database);
    holds_are_what_charges_hold(database);
    transactions_are_what_was_captured_and_refunded(database);
    disputes_hold_what_their_books_hold(database);
}

fn nothing(database: &Database, what: &str, sql: &str) {
    let found = run(database, sql);
    assert!(found.is_empty(), "I3: {what}: {found:#?}");
}

fn entries_balance(database: &Database) {
    nothing(
        database,
        "entries that do not sum to zero",
        "SELECT cause, currency, livemode, sum(amount) AS sum FROM ledger_entries \
         GROUP BY cause, currency, livemode HAVING sum(amount) <> 0",
    );
    nothing(
        database,
        "a transaction of one entry",
        "SELECT cause FROM ledger_entries GROUP BY cause HAVING count(*) < 2",
    );
}

fn balances_are_the_sums_of_their_entries(database: &Database) {
    nothing(
        database,
        "a balance that is not the sum of its entries",
        "SELECT e.owner, e.kind, e.currency, e.day, e.sum, a.balance FROM \
         (SELECT owner, livemode, currency, kind, day, sum(amount) AS sum FROM ledger_entries \
          GROUP BY owner, livemode, currency, kind, day) AS e \
         FULL JOIN ledger_accounts AS a ON a.owner = e.owner AND a.livemode = e.livemode \
         AND a.currency = e.currency AND a.kind = e.kind AND a.day = e.day \
         WHERE coalesce(e.sum, 0) <> coalesce(a.balance, 0)",
    );
}

/// Sums by owner, mode and currency.
fn sums(database: &Database, sql: &str) -> BTreeMap<(String, i64, String), i64> {
    let key = |row: &Row| (text(row, "owner"), number(row, "livemode"), text(row, "currency"));
    run(database, sql)
        .iter()
        .map(|row| (key(row), number(row, "sum")))
        .filter(|(_, sum)| *sum != 0)
        .collect()
}

fn merchants_are_owed_what_their_transactions_say(database: &Database) {
    let owed = sums(
        database,
        "SELECT owner, livemode, currency, -sum(amount) AS sum FROM ledger_entries \
         WHERE kind IN ('pending', 'available') GROUP BY owner, livemode, currency",
    );
    let told = sums(
        database,
        "SELECT account AS owner, livemode, currency, sum(net) AS sum FROM balance_transactions \
         GROUP BY account, livemode, currency",
    );
    assert_eq!(owed, told, "I8: what merchants are owed, and what their transactions say");
}

fn holds_are_what_charges_hold(database: &Database) {
    let booked = sums(
        database,
        "SELECT owner, livemode, currency, -sum(amount) AS sum FROM ledger_entries \
         WHERE kind = 'authorized_funds' GROUP BY owner, livemode, currency",
    );
    let held = sums(
        database,
        "SELECT account AS owner, livemode, currency, sum(amount - captured - released) AS sum \
         FROM charges WHERE status = 'succeeded' GROUP BY account, livemode, currency",
    );
    assert_eq!(booked, held, "I8: what is held by the books, and by the charges");
}

fn transactions_are_what_was_captured_and_refunded(database: &Database) {
    nothing(
        database,
        "a charge that was booked otherwise than captured",
        "SELECT c.id, c.captured, sum(b.amount) AS booked FROM charges AS c \
         LEFT JOIN balance_transactions AS b ON b.source = c.id \
         GROUP BY c.id HAVING c.captured <> coalesce(sum(b.amount), 0)",
    );
    // What a refund of a charge without an intent lets go of was never taken.
    nothing(
        database,
        "a refund that was booked otherwise than it stands",
        "SELECT r.id, r.status, r.amount, sum(b.amount) AS booked FROM refunds AS r \
         JOIN charges AS c ON c.id = r.charge \
         LEFT JOIN balance_transactions AS b ON b.source = r.id \
         WHERE c.captured > 0 GROUP BY r.id HAVING -coalesce(sum(b.amount), 0) <> \
         iif(r.status IN ('failed', 'canceled') OR r.pending_operation IS NOT NULL, 0, r.amount)",
    );
}

fn disputes_hold_what_their_books_hold(database: &Database) {
    let open = "SELECT {} AS owner, livemode, currency, sum(amount) AS sum FROM disputes \
                WHERE status IN ('needs_response', 'under_review') GROUP BY 1, livemode, currency";
    let reserved = sums(
        database,
        "SELECT owner, livemode, currency, -sum(amount) AS sum FROM ledger_entries \
         WHERE kind = 'dispute_reserve' GROUP BY owner, livemode, currency",
    );
    let held_back = sums(database, &open.replace("{}", "account"));
    assert_eq!(reserved, held_back, "I8: what is held back of merchants, and open chargebacks");
    let taken = sums(
        database,
        "SELECT owner, livemode, currency, sum(amount) AS sum FROM ledger_entries \
         WHERE kind = 'disputed_funds' GROUP BY owner, livemode, currency",
    );
    let disputed = sums(database, &open.replace("{}", "'simulator'"));
    assert_eq!(taken, disputed, "I8: what the processor took back, and open chargebacks");
    nothing(
        database,
        "a dispute that was booked otherwise than it stands",
        "SELECT d.id, d.status, d.amount, sum(b.amount) AS booked FROM disputes AS d \
         LEFT JOIN balance_transactions AS b ON b.source = d.id \
         GROUP BY d.id HAVING -coalesce(sum(b.amount), 0) <> \
         iif(d.status IN ('needs_response', 'under_review', 'lost'), d.amount, 0)",
    );
}
