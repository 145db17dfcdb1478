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
    payouts_are_in_transit_while_they_are_open(database);
    payouts_are_booked_as_they_stand(database);
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

fn payouts_are_in_transit_while_they_are_open(database: &Database) {
    let booked = sums(
        database,
        "SELECT owner, livemode, currency, -sum(amount) AS sum FROM ledger_entries \
         WHERE kind = 'payouts_in_transit' GROUP BY owner, livemode, currency",
    );
    let open = sums(
        database,
        "SELECT account AS owner, livemode, currency, sum(amount) AS sum FROM payouts \
         WHERE status IN ('pending', 'in_transit') GROUP BY account, livemode, currency",
    );
    assert_eq!(booked, open, "I8: what is in transit by the books, and by the payouts");
}

fn payouts_are_booked_as_they_stand(database: &Database) {
    nothing(
        database,
        "a payout that was booked otherwise than it stands",
        "SELECT p.id, p.status, p.amount, sum(b.amount) AS booked FROM payouts AS p \
         LEFT JOIN balance_transactions AS b ON b.source = p.id GROUP BY p.id \
         HAVING -coalesce(sum(b.amount), 0) <> iif(p.status IN ('failed', 'canceled'), 0, p.amount)",
    );
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
