//! What holds for every table, whoever adds it.

use kit::Database;
use store::values;

#[test]
fn every_table_is_strict() {
    let database = Database::new();
    let loose = database.query(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' \
         AND strict = 0 AND name NOT LIKE 'sqlite_%'",
        values![],
    );
    assert!(loose.is_empty(), "{loose:?}");
    let tables = database.query("SELECT name FROM sqlite_schema WHERE type = 'table'", values![]);
    assert!(tables.len() >= 12, "the migrations did not run: {tables:?}");
}

#[test]
fn every_column_is_an_integer_or_a_text() {
    let database = Database::new();
    let other = database.query(
        "SELECT m.name AS table_name, c.name AS column_name, c.type FROM sqlite_schema AS m \
         JOIN pragma_table_info(m.name) AS c \
         WHERE m.type = 'table' AND c.type NOT IN ('INTEGER', 'TEXT')",
        values![],
    );
    assert!(other.is_empty(), "no float may touch money: {other:?}");
}

/// Otherwise one merchant might be shown another's rows, or real money among the play money. A price holds in
/// both modes, an account of the ledger is a merchant's, a processor's or the platform's, and the audit is of all. A
/// delivery is its endpoint's, and a row more for each index would be paid for with every event. A developer's machine has
/// but one developer, a dead letter and an alert are the operator's, and the master key is the deployment's.
#[test]
fn every_table_of_a_merchant_says_whose_row_it_is_and_in_which_mode() {
    let database = Database::new();
    let unowned = database.query(
        "SELECT name FROM sqlite_schema AS m WHERE type = 'table' \
         AND name NOT IN ('accounts', 'alerts', 'audit_differences', 'audit_run', 'dead_letters', 'development_clock', \
         'development_outbox', 'fan_out', 'lasting_keys', 'price_plans', 'resealing') \
         AND name NOT IN ('deliveries', 'delivery_attempts') \
         AND (SELECT count(*) FROM pragma_table_info(m.name) \
              WHERE name IN ('account', 'owner', 'livemode') AND \"notnull\" = 1) < 2",
        values![],
    );
    assert!(unowned.is_empty(), "{unowned:?}");
}

/// Tests run within a transaction that never ends, where such a constraint would not be looked at.
#[test]
fn no_constraint_waits_for_the_end_of_a_transaction() {
    let database = Database::new();
    let deferred = database.query(
        "SELECT name FROM sqlite_schema WHERE sql LIKE '%DEFERR%' OR sql LIKE '%RAISE(ROLLBACK%' \
         OR sql LIKE '%OR ROLLBACK%'",
        values![],
    );
    assert!(deferred.is_empty(), "{deferred:?}");
}
