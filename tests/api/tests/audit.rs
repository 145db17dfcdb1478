//! The audit finds and names what broke, however the database came to it.

use std::pin::Pin;

use api::{Api, Form, cases};
use kit::Database;
use store::audit::checks;

const PAY: Form<'_> = &[
    ("amount", "2000"),
    ("currency", "usd"),
    ("payment_method", "pm_card_visa"),
    ("payment_method_types[]", "card"),
    ("confirm", "true"),
];

/// A merchant with a payment that was given back in part, money that is held, money that was let go of, a
/// payment that is disputed, a refund that is on its way, a top-up, a transfer of which some came back, and
/// money that is on its way to the bank.
fn books() -> Api {
    let api = Api::new();
    let paid = api.post("/v1/payment_intents", PAY).ok();
    api.post("/v1/refunds", &[("payment_intent", paid.id()), ("amount", "700")]).ok();
    // What the payout is paid from, whatever the dispute takes.
    let large = [("amount", "20000"), ("currency", "usd"), ("source", "tok_visa")];
    api.post("/v1/charges", &large).ok();
    let held = [PAY, &[("capture_method", "manual")]].concat();
    api.post("/v1/payment_intents", &held).ok();
    let canceled = api.post("/v1/payment_intents", &held).ok();
    api.post(&format!("/v1/payment_intents/{}/cancel", canceled.id()), &[]).ok();
    pay_with(&api, "pm_card_createDispute");
    pass(&api, 5);
    api.post("/v1/topups", &[("amount", "900"), ("currency", "usd")]).ok();
    pass(&api, 3 * 86_400);
    let connected = api.post("/v1/accounts", &[]).ok();
    let transfer = [("amount", "500"), ("currency", "usd"), ("destination", connected.id())];
    let transfer = api.post("/v1/transfers", &transfer).ok();
    let reversals = format!("/v1/transfers/{}/reversals", transfer.id());
    api.post(&reversals, &[("amount", "200")]).ok();
    let pending = pay_with(&api, "pm_card_pendingRefund");
    api.post("/v1/refunds", &[("payment_intent", &pending)]).ok();
    api.post("/v1/payouts", &[("amount", "500"), ("currency", "usd")]).ok();
    api
}

fn pay_with(api: &Api, card: &str) -> String {
    let form = PAY.iter().map(|(name, value)| (*name, *value));
    let form =
        form.map(|(name, value)| (name, if name == "payment_method" { card } else { value }));
    api.post("/v1/payment_intents", &form.collect::<Vec<_>>()).ok().id().to_owned()
}

/// Lets time pass, and all be done that is due then.
fn pass(api: &Api, seconds: i64) {
    api.platform.advance(seconds);
    for _ in 0..10 {
        api.beat();
    }
}

/// The moment of the last event, and a day: by then all that was due is done.
const NOW: &str = "((SELECT max(created) FROM events) + 86400)";

/// The names of the checks that find something.
fn broken(database: &Database) -> Vec<&'static str> {
    let found = |sql: &str| !database.query(sql, vec![]).is_empty();
    let broken = checks().filter(|(stage, check)| found(&check.whole(stage, NOW)));
    broken.map(|(_, check)| check.name).collect()
}

#[test]
fn nothing_is_found_where_nothing_broke() {
    assert_eq!(broken(books().platform.database()), Vec::<&str>::new());
}

/// What no code of ours does, with the name of the check that finds it.
const CORRUPTIONS: [(&str, &str); 36] = [
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
        "UPDATE ledger_accounts SET balance = balance + 1 WHERE kind = 'dispute_reserve'",
    ),
    ("processors_took_back_what_is_disputed", "UPDATE disputes SET status = 'won'"),
    ("disputes_are_booked_as_they_stand", "UPDATE disputes SET amount = amount - 1"),
    (
        "intents_received_what_was_captured",
        "UPDATE payment_intents SET received = received - 1 WHERE received > 0",
    ),
    (
        "money_that_is_due_is_moved",
        "INSERT INTO ledger_accounts (owner, livemode, currency, kind, day, balance) \
         VALUES ('acct_acme', 0, 'xyz', 'pending', 1, -5)",
    ),
    (
        "money_that_is_due_is_moved",
        "INSERT INTO ledger_accounts (owner, livemode, currency, kind, day, balance) \
         VALUES ('simulator', 0, 'xyz', 'clearing', 1, 5)",
    ),
    (
        "intents_can_capture_what_is_held",
        "UPDATE payment_intents SET capturable = capturable - 1 WHERE capturable > 0",
    ),
    (
        "operations_have_an_open_attempt",
        "UPDATE payment_intents SET pending_operation = 'att_none' WHERE status = 'succeeded'",
    ),
    (
        "operations_have_an_open_attempt",
        "UPDATE payment_intents SET pending_operation = (SELECT a.id FROM attempts AS a \
         WHERE a.payment_intent = payment_intents.id LIMIT 1) WHERE status = 'succeeded'",
    ),
    (
        "charges_held_have_an_open_attempt",
        "UPDATE charges SET details = json_set(details, '$.pending_operation', 'att_none') \
         WHERE payment_intent IS NULL",
    ),
    (
        "refunds_held_have_an_open_attempt",
        "UPDATE refunds SET pending_operation = 'att_none' WHERE status = 'succeeded'",
    ),
    ("open_payouts_are_in_transit", "UPDATE payouts SET status = 'paid'"),
    ("payouts_are_booked_as_they_stand", "UPDATE payouts SET amount = amount + 1"),
    ("topups_are_booked_as_they_stand", "UPDATE topups SET status = 'reversed'"),
    ("transfers_are_booked_as_they_stand", "UPDATE transfers SET amount = amount + 1"),
    ("reversals_are_booked_as_they_stand", "UPDATE transfer_reversals SET amount = 1"),
    ("transfers_count_their_reversals", "UPDATE transfers SET reversed = 0"),
    ("transfers_stay_between_connected_accounts", "UPDATE accounts SET platform = NULL"),
    ("open_payouts_arrive", "DELETE FROM scheduled_tasks WHERE kind = 'advance_payout'"),
    ("open_disputes_are_decided", "DELETE FROM scheduled_tasks WHERE kind = 'settle_dispute'"),
    ("pending_refunds_are_looked_at", "DELETE FROM scheduled_tasks WHERE kind = 'settle_refund'"),
    ("held_money_expires", "DELETE FROM scheduled_tasks WHERE kind = 'expire_authorization'"),
];

/// Does to a database what its triggers and constraints would refuse.
fn corrupt(database: &Database, sql: &str) {
    database.query("PRAGMA ignore_check_constraints = 1", vec![]);
    let triggers = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE '%never%'";
    for trigger in database.query(triggers, vec![]) {
        let trigger = trigger.text("name").expect("a name");
        database.query(&format!("DROP TRIGGER {trigger}"), vec![]);
    }
    database.query(sql, vec![]);
}

#[test]
fn every_corruption_is_found_and_named() {
    for (name, sql) in CORRUPTIONS.iter().step_by(cases(2, 1)) {
        let api = books();
        corrupt(api.platform.database(), sql);
        let found = broken(api.platform.database());
        assert!(found.contains(name), "{sql}: {found:?}");
    }
}

/// What the job keeps of what it found: by check, and what it is about.
fn known(api: &Api) -> Vec<(String, String)> {
    let rows = api.platform.database().query(store::audit::KNOWN, vec![]);
    let text = |row: &store::Row, column| row.text(column).expect("a text").to_owned();
    rows.iter().map(|row| (text(row, "name"), text(row, "subject"))).collect()
}

/// The events that tell the operator.
fn told(api: &Api) -> Vec<serde_json::Value> {
    let sql = "SELECT data FROM events WHERE account = 'acct_platform' \
               AND type = 'florin.audit.difference' ORDER BY sequence";
    let rows = api.platform.database().query(sql, vec![]);
    rows.iter().map(|row| row.json("data").expect("JSON")).collect()
}

#[test]
fn the_daily_audit_finds_and_names_every_corruption_too() {
    for (name, sql) in CORRUPTIONS.iter().step_by(cases(3, 1)) {
        let api = books();
        pass(&api, 0);
        assert_eq!(known(&api), [], "{name}");
        corrupt(api.platform.database(), sql);
        // The next day; what is open would be done by then.
        corrupt(api.platform.database(), "UPDATE audit_run SET due_at = 0");
        pass(&api, 0);
        let known = known(&api);
        assert!(known.iter().any(|(known, _)| known == name), "{sql}: {known:?}");
        assert_eq!(told(&api).len(), known.len(), "{sql}");
    }
}

#[test]
fn a_difference_is_told_of_once_and_again_when_it_came_back() {
    let api = books();
    let change = |by: i64| {
        let sql =
            format!("UPDATE ledger_accounts SET balance = balance + {by} WHERE kind = 'fees'");
        api.platform.database().query(&sql, vec![]);
    };
    let day = 86_400;
    pass(&api, day);
    assert_eq!((known(&api).len(), told(&api).len()), (0, 0));
    change(-5);
    for _ in 0..3 {
        pass(&api, day);
        assert_eq!(
            known(&api),
            [("balances_are_their_entries".to_owned(), "platform fees usd".to_owned())]
        );
        assert_eq!(told(&api).len(), 1);
    }
    let object = &told(&api)[0]["object"];
    assert_eq!(object["object"], "florin.audit.difference");
    assert_eq!(object["found"].as_i64(), object["expected"].as_i64().map(|sum| sum - 5));
    // The operator is told once as well, and no merchant is.
    let subject = "balances_are_their_entries platform fees usd".to_owned();
    assert_eq!(api.platform.alerts(), [("books_differ".to_owned(), subject)]);
    assert!(!api.get("/v1/events?limit=100").ok().text.contains("florin.audit"));
    let rows = api.platform.database().query(
        "SELECT event FROM fan_out WHERE event = (SELECT max(sequence) FROM events)",
        vec![],
    );
    assert_eq!(rows.len(), 1, "what merchants hear of waits for it");
    change(5);
    pass(&api, day);
    assert_eq!((known(&api).len(), told(&api).len()), (0, 1));
    change(1);
    pass(&api, day);
    assert_eq!((known(&api).len(), told(&api).len()), (1, 2));
    assert_eq!(api.platform.alerts().len(), 2, "it is another time");
}

/// Makes payments, some of which are disputed, each at once with what else runs.
async fn payments(api: &Api, count: usize) {
    for _ in 0..count {
        let answer = api.posting("/v1/payment_intents", PAY, None).await;
        assert_eq!(answer.status, 200);
    }
    let disputed = [("amount", "900"), ("currency", "usd"), ("source", "tok_visa_createDispute")];
    assert_eq!(api.posting("/v1/charges", &disputed, None).await.status, 200);
}

/// How many runs have begun.
fn runs(api: &Api) -> i64 {
    let rows = api.platform.database().query("SELECT run FROM audit_run", vec![]);
    rows[0].integer("run").expect("a number")
}

#[test]
fn payments_at_any_moment_of_an_audit_are_no_difference() {
    for seed in 0..cases(3, 60) {
        let api = books();
        pass(&api, 0);
        // More entries than a slice reads.
        kit::run(payments(&api, 200));
        let before = runs(&api);
        api.platform.advance(86_400);
        api.platform.yields(true);
        for beat in 0..8 {
            let beating: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async {
                api::beat(&api.platform).await;
            });
            let paying: Pin<Box<dyn Future<Output = ()>>> = Box::pin(payments(&api, 6));
            kit::interleave(seed * 8 + beat, vec![beating, paying]);
        }
        api.platform.yields(false);
        pass(&api, 0);
        assert_eq!(known(&api), [], "seed {seed}");
        assert_eq!(api.platform.errors(), []);
        assert_eq!(runs(&api), before + 1);
    }
}

#[test]
fn an_audit_that_dies_anywhere_goes_on_and_tells_once() {
    let mut deaths = 0;
    for polls in (1..200).step_by(cases(6, 1)) {
        let api = books();
        pass(&api, 0);
        corrupt(
            api.platform.database(),
            "UPDATE refunds SET amount = amount + 1 WHERE amount = 700",
        );
        api.platform.advance(86_400);
        api.platform.yields(true);
        let died = kit::run_until_poll(polls, api::beat(&api.platform)).is_none();
        api.platform.yields(false);
        pass(&api, 0);
        let subjects: Vec<_> = known(&api).into_iter().map(|(name, _)| name).collect();
        assert_eq!(subjects, ["charges_count_their_refunds", "refunds_are_booked_as_they_stand"]);
        assert_eq!(told(&api).len(), 2, "after {polls} polls");
        deaths += usize::from(died);
        if !died {
            break;
        }
    }
    assert!(deaths > cases(5, 10), "{deaths}");
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
    let listed = checks().find(|(_, check)| check.name == "balances_are_their_entries");
    let (stage, check) = listed.expect("it is listed");
    let rows = database.query(&check.whole(stage, NOW), vec![]);
    let [row] = rows.as_slice() else { panic!("one finding: {rows:?}") };
    assert_eq!(row.text("subject"), Ok("platform fees usd of day 0"));
    assert_eq!((row.integer("expected"), row.integer("found")), (Ok(-2374), Ok(-2379)));
}

#[test]
fn money_that_is_available_at_once_is_no_difference_before_its_day_is_over() {
    let api = Api::new();
    api.platform.set_settings(&api.merchant, r#"{"available_after_days": 0}"#);
    api.platform.advance(3 * 3_600);
    api.post("/v1/payment_intents", PAY).ok();
    let found = |days: i64| {
        let now = flows::Platform::now(&api.platform).seconds() + days * 86_400;
        let due = checks().find(|(_, check)| check.name == "money_that_is_due_is_moved");
        let (stage, check) = due.expect("it is listed");
        api.platform.database().query(&check.whole(stage, &now.to_string()), vec![]).len()
    };
    assert_eq!((found(0), found(1)), (0, 1));
}
