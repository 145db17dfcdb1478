//! The audit finds and names what broke, however the database came to it.

use api::{Api, Form};
use kit::Database;
use store::audit::CHECKS;

const PAY: Form<'_> = &[
    ("amount", "2000"),
    ("currency", "usd"),
    ("payment_method", "pm_card_visa"),
    ("payment_method_types[]", "card"),
    ("confirm", "true"),
];

/// A merchant with a payment that was given back in part, money that is held, money that was let go of, and a
/// payment that is disputed; a top-up, a transfer of which some came back, and a payout.
fn books() -> Api {
    let api = Api::new();
    let paid = api.post("/v1/payment_intents", PAY).ok();
    api.post("/v1/refunds", &[("payment_intent", paid.id()), ("amount", "700")]).ok();
    let held = [PAY, &[("capture_method", "manual")]].concat();
    api.post("/v1/payment_intents", &held).ok();
    let canceled = api.post("/v1/payment_intents", &held).ok();
    api.post(&format!("/v1/payment_intents/{}/cancel", canceled.id()), &[]).ok();
    let disputed: Vec<_> = PAY
        .iter()
        .map(|(name, value)| {
            (*name, if *name == "payment_method" { "pm_card_createDispute" } else { value })
        })
        .collect();
    api.post("/v1/payment_intents", &disputed).ok();
    api.platform.advance(5);
    api.beat();
    api.post("/v1/topups", &[("amount", "900"), ("currency", "usd")]).ok();
    api.platform.advance(3 * 86_400);
    api.beat();
    let connected = api.post("/v1/accounts", &[]).ok();
    let transfer = [("amount", "500"), ("currency", "usd"), ("destination", connected.id())];
    let transfer = api.post("/v1/transfers", &transfer).ok();
    let reversals = format!("/v1/transfers/{}/reversals", transfer.id());
    api.post(&reversals, &[("amount", "200")]).ok();
    api.post("/v1/payouts", &[("amount", "100"), ("currency", "usd")]).ok();
    api
}

/// The names of the checks that find something.
fn broken(database: &Database) -> Vec<&'static str> {
    let found = |sql: &str| !database.query(sql, vec![]).is_empty();
    CHECKS.iter().filter(|check| found(check.sql)).map(|check| check.name).collect()
}

#[test]
fn nothing_is_found_where_nothing_broke() {
    assert_eq!(broken(books().platform.database()), Vec::<&str>::new());
}

#[test]
fn every_corruption_is_found_and_named() {
    // What no code of ours does; the triggers and constraints are out of the way.
    let corruptions: [(&str, &str); 25] = [
        ("entries_balance", "UPDATE ledger_entries SET amount = amount + 1 WHERE kind = 'fees'"),
        ("entries_balance", "DELETE FROM ledger_entries WHERE kind = 'fees'"),
        ("entries_are_complete", "DELETE FROM ledger_entries WHERE leg = 0"),
        (
            "balances_are_their_entries",
            "UPDATE ledger_accounts SET balance = balance - 5 WHERE kind = 'available'",
        ),
        ("balances_are_their_entries", "DELETE FROM ledger_accounts WHERE kind = 'fees'"),
        (
            "merchants_are_owed_their_transactions",
            "DELETE FROM balance_transactions WHERE type = 'refund'",
        ),
        (
            "transactions_are_posted",
            "UPDATE balance_transactions SET net = net - 1, fee = fee + 1 WHERE type = 'charge'",
        ),
        (
            "holds_are_what_charges_hold",
            "UPDATE charges SET released = released + 1 WHERE captured = 0 AND released = 0",
        ),
        (
            "charges_are_booked_as_captured",
            "UPDATE charges SET captured = captured - 1 WHERE captured > 0",
        ),
        ("refunds_are_booked_as_they_stand", "UPDATE refunds SET amount = amount + 1"),
        ("refunds_are_booked_as_they_stand", "UPDATE refunds SET status = 'failed'"),
        ("charges_count_their_refunds", "UPDATE charges SET refunded = 0"),
        (
            "charges_are_within_what_was_authorized",
            "UPDATE charges SET captured = 9000 WHERE captured > 0",
        ),
        (
            "intents_are_charged_once",
            "INSERT INTO charges SELECT 99, 'ch_twice', account, livemode, created, version, amount, \
             currency, captured, released, refunded, status, disputed, payment_intent, customer, \
             payment_method, details FROM charges WHERE captured > 0 LIMIT 1",
        ),
        (
            "open_chargebacks_are_held_back",
            "UPDATE ledger_entries SET kind = 'available' WHERE kind = 'dispute_reserve'",
        ),
        ("processors_took_back_what_is_disputed", "UPDATE disputes SET status = 'won'"),
        ("disputes_are_booked_as_they_stand", "UPDATE disputes SET amount = amount - 1"),
        ("open_payouts_are_in_transit", "UPDATE payouts SET status = 'paid'"),
        ("payouts_are_booked_as_they_stand", "UPDATE payouts SET status = 'failed'"),
        ("topups_are_booked_as_they_stand", "UPDATE topups SET status = 'reversed'"),
        ("transfers_are_booked_as_they_stand", "UPDATE transfers SET amount = amount + 1"),
        ("transfers_are_booked_as_they_stand", "UPDATE transfer_reversals SET amount = 1"),
        ("transfers_count_their_reversals", "UPDATE transfers SET reversed = 0"),
        ("transfers_stay_between_connected_accounts", "UPDATE accounts SET platform = NULL"),
        (
            "intents_received_what_was_captured",
            "UPDATE payment_intents SET received = received - 1 WHERE received > 0",
        ),
    ];
    for (name, sql) in corruptions {
        let api = books();
        let database = api.platform.database();
        database.query("PRAGMA ignore_check_constraints = 1", vec![]);
        let triggers =
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE '%never%'";
        for trigger in database.query(triggers, vec![]) {
            let trigger = trigger.text("name").expect("a name");
            database.query(&format!("DROP TRIGGER {trigger}"), vec![]);
        }
        database.query(sql, vec![]);
        let found = broken(database);
        assert!(found.contains(&name), "{sql}: {found:?}");
    }
}

#[test]
fn an_attempt_that_nobody_would_look_at_is_found() {
    let api = Api::new();
    // The key is looked up, the attempt is written, and the payment dies before its outcome is recorded.
    api.platform.database().hop().fail(3, kit::Fault::BeforeEffect);
    api.post("/v1/payment_intents", PAY).error(503);
    let database = api.platform.database();
    assert_eq!(broken(database), Vec::<&str>::new());
    database.query("DELETE FROM scheduled_tasks", vec![]);
    assert_eq!(broken(database), ["open_attempts_are_looked_at"]);
}

/// What a finding is about, and both sides of the difference.
#[test]
fn a_finding_names_both_sides() {
    let api = books();
    let database = api.platform.database();
    database.query("UPDATE ledger_accounts SET balance = balance - 5 WHERE kind = 'fees'", vec![]);
    let check = CHECKS.iter().find(|check| check.name == "balances_are_their_entries");
    let rows = database.query(check.expect("it is listed").sql, vec![]);
    let [row] = rows.as_slice() else { panic!("one finding: {rows:?}") };
    assert_eq!(row.text("subject"), Ok("platform fees usd of day 0"));
    assert_eq!((row.integer("expected"), row.integer("found")), (Ok(-1676), Ok(-1681)));
}
