//! What the database itself refuses, whatever the code above it believes.

use kit::{Counts, Database, run};
use store::{Database as _, DatabaseError, Row, Rows, Statement};
use store::{customers, guard, payment_methods, registry, values};

/// The text of a statement of production.
fn registered(name: &str) -> String {
    let statements = registry::statements();
    let found = statements.into_iter().find(|(other, _)| other == name);
    found.unwrap_or_else(|| panic!("the registry names no {name}")).1
}

fn batch(database: &Database, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
    run(database.batch(statements))
}

fn charge(amount: i64, captured: i64, released: i64, refunded: i64) -> Statement {
    let nothing = None::<&str>;
    Statement::new(
        registered("charges.insert"),
        values![
            "ch_1",
            "acct_1",
            false,
            0,
            1,
            amount,
            "usd",
            captured,
            released,
            refunded,
            "succeeded",
            false,
            nothing,
            nothing,
            nothing,
            "{}"
        ],
    )
}

/// Refunds so much of that charge, as seen at a version.
fn refund(version: i64, refunded: i64) -> [Statement; 2] {
    let nothing = None::<&str>;
    let values = values!["ch_1", version, 100, 100, 0, refunded, "succeeded", false, nothing, "{}"];
    let update = Statement::new(registered("charges.update"), values);
    [update, guard::changed_one("charge_version")]
}

fn event(id: &str) -> Statement {
    let nothing = None::<&str>;
    Statement::new(
        registered("events.insert"),
        values![
            id,
            "acct_1",
            false,
            0,
            "charge.refunded",
            "ch_1",
            "{}",
            "2025-01-01",
            nothing,
            nothing
        ],
    )
}

fn rows(database: &Database, table: &str) -> Vec<Row> {
    database.query(&format!("SELECT * FROM {table}"), values![])
}

#[test]
fn a_guard_that_does_not_hold_takes_its_whole_batch_down_and_names_itself() {
    let database = Database::new();
    batch(&database, vec![charge(100, 100, 0, 0)]).expect("the first charge");
    database.take_counts();
    let [update, guard] = refund(7, 10);
    let refused = batch(&database, vec![event("evt_1"), update, guard, event("evt_2")]);
    assert_eq!(refused.unwrap_err(), DatabaseError::Guard("charge_version".to_owned()));
    assert!(rows(&database, "events").is_empty());
    assert_eq!(rows(&database, "charges")[0].integer("refunded"), Ok(0));
    assert_eq!(database.take_counts(), Counts { batches: 1, statements: 4, rows_written: 0 });
}

#[test]
fn a_guard_that_holds_writes_nothing_of_its_own() {
    let database = Database::new();
    batch(&database, vec![charge(100, 100, 0, 0)]).expect("the first charge");
    database.take_counts();
    batch(&database, refund(1, 10).into()).expect("the guard holds");
    assert_eq!(database.take_counts(), Counts { batches: 1, statements: 2, rows_written: 1 });
    assert!(rows(&database, "guard").is_empty());
    let charge = &rows(&database, "charges")[0];
    assert_eq!((charge.integer("refunded"), charge.integer("version")), (Ok(10), Ok(2)));
}

/// `changes()` remembers the last write, even one of the batch before, so a guard proves nothing
/// anywhere else. A second guard finds what the first one left: no row changed.
#[test]
fn a_guard_speaks_only_of_the_statement_right_before_it() {
    let database = Database::new();
    batch(&database, vec![charge(100, 100, 0, 0)]).expect("the first charge");
    assert!(batch(&database, vec![guard::changed_one("stray")]).is_ok());
    let [update, guard] = refund(1, 10);
    let twice = batch(&database, vec![update, guard, guard::changed_one("second")]);
    assert_eq!(twice.unwrap_err(), DatabaseError::Guard("second".to_owned()));
}

#[test]
fn a_guard_on_what_is_unknown_does_not_hold() {
    let database = Database::new();
    let unknown = Statement::new("INSERT INTO guard SELECT NULL, ?1", values!["unknown"]);
    let refused = batch(&database, vec![event("evt_1"), unknown]);
    assert_eq!(refused.unwrap_err(), DatabaseError::Guard("unknown".to_owned()));
    assert!(rows(&database, "events").is_empty());
}

#[test]
fn a_customer_of_someone_else_or_in_the_other_mode_fails_its_guard() {
    let database = Database::new();
    let values = values!["cus_1", "acct_1", false, 0, 1, false, None::<&str>, None::<&str>, "{}"];
    batch(&database, vec![Statement::new(registered("customers.insert"), values)])
        .expect("a customer");
    let must_exist = |account: &str, livemode: bool| {
        let sql = registered("customers.must_exist");
        batch(&database, vec![Statement::new(sql, values!["cus_1", account, livemode])])
    };
    assert!(must_exist("acct_1", false).is_ok());
    let refused = DatabaseError::Guard(customers::EXISTS_GUARD.to_owned());
    assert_eq!(must_exist("acct_1", true).unwrap_err(), refused);
    assert_eq!(must_exist("acct_2", false).unwrap_err(), refused);
}

#[test]
fn a_payment_method_that_may_not_be_used_fails_its_guard() {
    let database = Database::new();
    for (id, customer, detached) in
        [("pm_free", None, false), ("pm_kept", Some("cus_1"), false), ("pm_left", None, true)]
    {
        let values =
            values![id, "acct_1", false, 0, 1, customer, detached, None::<&str>, "{}", "", "{}"];
        batch(&database, vec![Statement::new(registered("payment_methods.insert"), values)])
            .expect("a payment method");
    }
    let is_usable = |id: &str, account: &str, customer: Option<&str>| {
        let sql = registered("payment_methods.must_be_usable");
        let usable = Statement::new(sql, values![id, account, false, customer]);
        match batch(&database, vec![usable]) {
            Ok(_) => true,
            Err(DatabaseError::Guard(name)) if name == payment_methods::USABLE_GUARD => false,
            Err(other) => panic!("{other}"),
        }
    };
    assert!(is_usable("pm_free", "acct_1", None) && is_usable("pm_free", "acct_1", Some("cus_1")));
    assert!(is_usable("pm_kept", "acct_1", Some("cus_1")));
    assert!(
        !is_usable("pm_kept", "acct_1", None) && !is_usable("pm_kept", "acct_1", Some("cus_2"))
    );
    assert!(!is_usable("pm_free", "acct_2", None));
    assert!(!is_usable("pm_left", "acct_1", None));
    assert!(!is_usable("pm_none", "acct_1", None));
}

#[test]
fn an_event_is_never_changed() {
    let database = Database::new();
    batch(&database, vec![event("evt_1")]).expect("an event");
    let change = |sql: &'static str| batch(&database, vec![Statement::new(sql, values![])]);
    let refused = change("UPDATE events SET data = '[]'").unwrap_err();
    assert!(matches!(&refused, DatabaseError::Refused(why) if why.contains("append-only")));
    let refused = batch(&database, vec![event("evt_1")]).unwrap_err();
    assert!(matches!(refused, DatabaseError::Exists(_)), "{refused}");
    assert_eq!(rows(&database, "events")[0].text("data"), Ok("{}"));
}

/// REPLACE deletes the old row without asking the triggers that refuse changes.
#[test]
fn an_event_is_never_replaced() {
    let database = Database::new();
    batch(&database, vec![event("evt_1")]).expect("an event");
    let values = event("evt_1").values;
    let sql = registered("events.insert").replace("INSERT INTO", "INSERT OR REPLACE INTO");
    assert!(batch(&database, vec![Statement::new(sql, values)]).is_err());
}

#[test]
fn a_charge_gives_back_no_more_than_it_took_and_takes_no_more_than_it_held() {
    let database = Database::new();
    for sums in
        [(100, 50, 0, 51), (100, 101, 0, 0), (100, 60, 41, 0), (100, -1, 0, 0), (0, 0, 0, 0)]
    {
        let (amount, captured, released, refunded) = sums;
        let refused = batch(&database, vec![charge(amount, captured, released, refunded)]);
        assert!(matches!(refused, Err(DatabaseError::Refused(_))), "{sums:?}: {refused:?}");
    }
    batch(&database, vec![charge(100, 100, 0, 0)]).expect("what it holds is taken");
    batch(&database, refund(1, 100).into()).expect("all of it is given back");
    let refused = batch(&database, refund(2, 101).into()).unwrap_err();
    assert!(matches!(refused, DatabaseError::Refused(_)), "{refused}");
    assert_eq!(rows(&database, "charges")[0].integer("refunded"), Ok(100));
}

#[test]
fn a_batch_whose_last_statement_fails_leaves_nothing() {
    let database = Database::new();
    let refused = batch(&database, vec![event("evt_1"), charge(100, 0, 0, 1)]);
    assert!(matches!(refused, Err(DatabaseError::Refused(_))), "{refused:?}");
    let refused = batch(&database, vec![event("evt_1"), event("evt_1")]);
    assert!(matches!(refused, Err(DatabaseError::Exists(_))), "{refused:?}");
    let nonsense = Statement::new("INSERT INTO nowhere VALUES (1)", values![]);
    let refused = batch(&database, vec![event("evt_1"), nonsense]);
    assert!(matches!(refused, Err(DatabaseError::Refused(_))), "{refused:?}");
    assert!(rows(&database, "events").is_empty());
    assert!(rows(&database, "charges").is_empty());
}

/// Posts entries of so many cents, alternately to the platform's bank account and to its fees.
fn posting(cause: &str, amounts: &[i64]) -> Vec<Statement> {
    let legs = amounts.iter().zip(0..).flat_map(|(amount, leg)| {
        let kind = if leg % 2 == 0 { "cash" } else { "fees" };
        values![cause, leg, "platform", false, "usd", kind, 0, *amount, 0]
    });
    vec![
        Statement::new(registered(&format!("ledger.insert {}", amounts.len())), legs.collect()),
        Statement::new(registered("ledger.must_balance"), values![cause]),
    ]
}

#[test]
fn entries_that_do_not_balance_take_their_batch_down() {
    let database = Database::new();
    let lost = [vec![event("evt_1")], posting("a", &[100, -99])].concat();
    let refused = batch(&database, lost);
    assert_eq!(refused.map(drop), Err(DatabaseError::Guard("ledger_balanced".to_owned())));
    assert!(rows(&database, "events").is_empty() && rows(&database, "ledger_accounts").is_empty());
    batch(&database, posting("a", &[100, -60, -20, -20])).expect("it balances");
}

#[test]
fn a_cause_is_posted_once_and_entries_stay_as_they_are() {
    let database = Database::new();
    batch(&database, posting("a", &[100, -100])).expect("the first posting");
    let before = (rows(&database, "ledger_entries"), rows(&database, "ledger_accounts"));
    let again = batch(&database, posting("a", &[100, -100]));
    assert!(matches!(again, Err(DatabaseError::Exists(_))), "{again:?}");
    for sql in [
        "UPDATE ledger_entries SET amount = 5",
        "DELETE FROM ledger_entries",
        "INSERT OR REPLACE INTO ledger_entries SELECT cause, leg, owner, livemode, currency, kind, \
         day, 5, created FROM ledger_entries WHERE leg = 0",
        "INSERT OR IGNORE INTO ledger_entries SELECT * FROM ledger_entries",
    ] {
        let refused = batch(&database, vec![Statement::new(sql, values![])]);
        assert!(refused.is_err(), "{sql}");
        let after = (rows(&database, "ledger_entries"), rows(&database, "ledger_accounts"));
        assert_eq!(format!("{after:?}"), format!("{before:?}"), "{sql}");
    }
}

#[test]
fn an_account_of_a_day_ends_when_it_holds_nothing() {
    let database = Database::new();
    let entries = |cause: &str, amount: i64| {
        let pending = values![cause, 0, "acct_1", false, "usd", "pending", 20_000, -amount, 0];
        let cash = values![cause, 1, "platform", false, "usd", "cash", 0, amount, 0];
        vec![Statement::new(registered("ledger.insert 2"), [pending, cash].concat())]
    };
    let held = || {
        let accounts = rows(&database, "ledger_accounts");
        let held = accounts.iter().map(|row| {
            let kind = row.text("kind").expect("a kind").to_owned();
            (kind, row.integer("balance").expect("a balance"))
        });
        held.collect::<Vec<_>>()
    };
    batch(&database, entries("a", 100)).expect("it comes");
    batch(&database, entries("b", -40)).expect("some of it goes");
    assert_eq!(held(), [("pending".to_owned(), -60), ("cash".to_owned(), 60)]);
    batch(&database, entries("c", -60)).expect("the rest goes");
    // The bank account has no day, so that it stays.
    assert_eq!(held(), [("cash".to_owned(), 0)]);
}

fn entry(cause: &str, leg: i64, amount: i64) -> Statement {
    let sql = "INSERT INTO ledger_entries (cause, leg, owner, livemode, currency, kind, day, amount, \
               created) VALUES (?1, ?2, 'simulator', 0, 'eur', 'clearing', 9, ?3, 0)";
    Statement::new(sql, values![cause, leg, amount])
}

#[test]
fn no_account_holds_more_than_numbers_in_json_do() {
    const MOST: i64 = (1 << 53) - 1;
    for sign in [1, -1] {
        let database = Database::new();
        let balance = || {
            let rows = database.query("SELECT balance FROM ledger_accounts", values![]);
            rows.first().map(|row| row.integer("balance").expect("a number"))
        };
        batch(&database, vec![entry("a", 0, sign * MOST)]).expect("it fits");
        let more = vec![entry("b", 0, sign * -5), entry("b", 1, sign * 6)];
        assert!(matches!(batch(&database, more), Err(DatabaseError::Refused(_))));
        assert_eq!(balance(), Some(sign * MOST), "nothing of the batch is left");
        let entries = database.query("SELECT cause FROM ledger_entries", values![]);
        assert_eq!(entries.len(), 1);
        batch(&database, vec![entry("c", 0, -sign)]).expect("less is no trouble");
        assert_eq!(balance(), Some(sign * (MOST - 1)));
    }
}

#[test]
fn money_that_went_from_one_day_to_another_is_not_where_it_was_seen() {
    let database = Database::new();
    let write = |day: i64, balance: i64| {
        let sql = "INSERT INTO ledger_accounts (owner, livemode, currency, kind, day, balance) \
                   VALUES ('acct_1', 0, 'usd', 'available', ?1, ?2) \
                   ON CONFLICT DO UPDATE SET balance = excluded.balance";
        database.query(sql, values![day, balance]);
    };
    let scope =
        store::Scope { account: domain::id::Id::parse("acct_1").expect("an id"), livemode: false };
    let usd = domain::Currency::parse("usd").expect("a currency");
    let today = domain::timestamp::Day(9);
    write(7, -900);
    write(9, -100);
    let found = batch(&database, vec![store::ledger::funds(&scope, usd, today)]).expect("it reads");
    let seen: Vec<_> = found[0]
        .0
        .iter()
        .map(|row| store::ledger::Balance::try_from(row).expect("a balance"))
        .collect();
    let holds = || {
        let guard = store::ledger::funds_must_hold(&scope, usd, today, &seen);
        batch(&database, vec![guard]).map(|_| ())
    };
    let fails = || Err(DatabaseError::Guard(store::ledger::FUNDS_GUARD.to_owned()));
    assert_eq!(holds(), Ok(()));
    // A payout took from the day before yesterday, was canceled, and came back today.
    write(7, -400);
    write(9, -600);
    assert_eq!(holds(), fails());
    write(7, -900);
    write(9, -100);
    assert_eq!(holds(), Ok(()));
    write(8, -1);
    assert_eq!(holds(), fails());
    database.query("UPDATE ledger_accounts SET kind = 'pending' WHERE day = 8", values![]);
    assert_eq!(holds(), fails(), "what is due was not moved yet");
    database.query("DELETE FROM ledger_accounts WHERE day < 9", values![]);
    assert_eq!(holds(), fails());
}

/// Writes an attempt at an account at a processor, which remembers a card by a token.
fn open_attempt(id: &str) -> Statement {
    let nothing = None::<&str>;
    let token = r#"{"card":"pm_1","customer":"cus_1"}"#;
    let values = values![
        id,
        "acct_1",
        false,
        0,
        "authorize",
        "started",
        "stripe",
        nothing,
        "pi_1",
        nothing,
        100,
        "usd",
        "{}",
        "null",
        "ca_1",
        nothing,
        token,
        nothing
    ];
    Statement::new(registered("attempts.insert"), values)
}

/// Writes that account.
fn account() -> Statement {
    let account = values!["ca_1", "acct_1", false, 0, 1, "stripe", "active", "sealed", "{}"];
    Statement::new(registered("connector_accounts.insert"), account)
}

/// What turned up of an attempt that was given up meanwhile would not have been taken back.
#[test]
fn an_attempt_that_was_over_meanwhile_was_noted_as_if_it_went_on() {
    let database = Database::new();
    batch(&database, vec![account(), open_attempt("att_1")]).expect("both are new");
    let goes_on = || {
        let known = values!["att_1", "pi_1"];
        let goes_on = Statement::new(registered("attempts.goes_on"), known);
        batch(&database, vec![goes_on, guard::changed_one("attempt_state")])
    };
    database.query("UPDATE attempts SET state = 'failed'", values![]);
    assert!(matches!(goes_on(), Err(DatabaseError::Guard(_))), "it was given up");
    database.query("UPDATE attempts SET state = 'started'", values![]);
    goes_on().expect("it is open");
    assert!(matches!(goes_on(), Err(DatabaseError::Guard(_))), "it is known already");
}

/// Whoever loaded the attempt before its token was refused would send the token again, beside the card itself.
#[test]
fn a_token_that_was_refused_meanwhile_was_sent_again() {
    let mark = |id: &str, is_gone: bool| {
        let mark = Statement::new(registered("attempts.send_again"), values![id, is_gone]);
        vec![mark, guard::changed_one("attempt_state")]
    };
    let database = Database::new();
    batch(&database, vec![account(), open_attempt("att_1"), open_attempt("att_2")])
        .expect("all are new");
    let gone = Statement::new(registered("attempts.token_is_gone"), values!["att_1", true]);
    batch(&database, vec![gone]).expect("it is open");
    let again = Statement::new(registered("attempts.token_is_gone"), values!["att_1", false]);
    let refused = batch(&database, vec![again, guard::changed_one("attempt_state")]);
    assert!(matches!(refused, Err(DatabaseError::Guard(_))), "it is settled under which key");
    let refused = batch(&database, mark("att_1", false));
    assert!(matches!(refused, Err(DatabaseError::Guard(name)) if name == "attempt_state"));
    batch(&database, mark("att_1", true)).expect("it is known to be gone");
    batch(&database, mark("att_2", false)).expect("it is not gone");
}
