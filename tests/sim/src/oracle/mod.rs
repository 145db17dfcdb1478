//! What has to hold after a run: I1 to I8, seen from outside. The processor's own truth, what clients were told
//! and what endpoints took are held against the rows; the rows are held against each other by the product's own
//! audit, and by the checker that all tests share.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use kit::Database;
use serde_json::Value;
use store::audit::checks;
use store::{Row, values};

use crate::world::World;

mod attempts;
mod events;
mod notices;
mod processor;
mod settlements;

/// Everything that does not hold, in the order in which it was found; the first word names the invariant.
pub fn check(world: &Rc<World>, thoroughly: bool) -> Vec<String> {
    let mut problems = world.told.borrow().problems.clone();
    problems.extend(world.endpoints.borrow().problems.iter().cloned());
    let books = Books::read(world);
    let mut found = Vec::new();
    books.processor_agrees(world, &mut found);
    books.attempts_end_for_a_reason(world, &mut found);
    books.clients_were_told_the_truth(world, &mut found);
    books.events_reach_their_endpoints(world, &mut found);
    books.nothing_is_left_open(world, &mut found);
    books.notices_are_kept(world, &mut found);
    books.settlements_agree(world, &mut found);
    audit(world, &mut found);
    problems.extend(found);
    if thoroughly {
        problems.extend(entries_replayed_into_an_empty_database_give_the_same_balances(world));
    }
    if thoroughly || !problems.is_empty() {
        problems.extend(shared(world));
    }
    let errors = world.errors.borrow();
    problems.extend(
        errors.iter().filter(|error| !is_explained(error)).map(|error| format!("BUG: {error}")),
    );
    problems
}

/// What operators are told where the world is the reason. Whatever else they are told, our own code did wrong: a list of
/// its bugs would miss the next one.
const EXPLAINED: &[&str] = &[
    // The weather.
    "did not answer: the connection was lost",
    "did not answer: D1_ERROR: Network connection lost.",
    "did not answer: D1_ERROR: D1 DB is overloaded. Requests queued for too long.",
    "The invocation that tried it did not come to its end.",
    // Nobody knows yet what a processor did.
    ": it stays open: ",
    "processor did not answer: att_",
    "processor did not answer: it does not answer what its webhook asks for",
    // What a processor said no to, or did otherwise.
    ": The payment processor refused this: ",
    ": The processor was asked for ",
    ": What its processor did for it, if anything, after it was given up could not be taken back.",
    ": Its processor did something else than it was asked for.",
    // What it told of that is unknown here, or not known yet: where that stays so, another oracle asks why.
    " is parked: No payment ",
    " is parked: Whoever sent att_",
    " is parked: It is about att_",
    " is parked: It was paid under ",
    " is parked: It may be the refund that is under way.",
    " is parked: Nothing was taken of ch_",
    " is parked: A dispute stands there as nothing that is known here.",
    // What its reports say otherwise.
    "_mismatch of txn_",
    "_mismatch of po_",
    ": unmatched_",
    ": fx_rounding of txn_",
    // Two who do the same at the same time: one of them comes again.
    " failed: This object cannot be accessed right now because another API request or process ",
    // Half of the orders bring no security code.
    ": Nothing was sent to the payment processor: the processor takes no card without its security code",
];

/// Whether the world is the reason for an error.
fn is_explained(error: &str) -> bool {
    EXPLAINED.iter().any(|known| error.contains(known))
}

/// The checker that all tests share.
fn shared(world: &World) -> Option<String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let files = world.files.borrow();
    let checked = catch_unwind(AssertUnwindSafe(|| {
        api::invariants::check_rows(&world.database, &files);
    }));
    std::panic::set_hook(hook);
    let panic = checked.err()?;
    let told = panic.downcast_ref::<String>().cloned();
    Some(told.unwrap_or_else(|| "the shared checker broke off".to_owned()))
}

/// I3: the entries alone say what each account holds.
fn entries_replayed_into_an_empty_database_give_the_same_balances(world: &World) -> Option<String> {
    let entries = world.database.query("SELECT * FROM ledger_entries", Vec::new());
    let empty = Database::new();
    for entry in &entries {
        let [cause, owner, currency, kind] =
            ["cause", "owner", "currency", "kind"].map(|column| text(entry, column));
        let [leg, livemode, day, amount, created] =
            ["leg", "livemode", "day", "amount", "created"].map(|column| number(entry, column));
        empty.query(
            "INSERT INTO ledger_entries (cause, leg, owner, livemode, currency, kind, day, amount, created) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            values![cause, leg, owner, livemode, currency, kind, day, amount, created],
        );
    }
    let balances = "SELECT * FROM ledger_accounts ORDER BY owner, livemode, currency, kind, day";
    let [kept, replayed] = [&world.database, &empty].map(|database| {
        let rows = database.query(balances, Vec::new());
        rows.into_iter().map(|row| row.0).collect::<Vec<_>>()
    });
    (kept != replayed).then(|| format!("I3: {kept:?} are kept, and {replayed:?} replayed"))
}

fn audit(world: &World, problems: &mut Vec<String>) {
    let now = world.clock(0).seconds();
    for (stage, check) in checks() {
        for row in world.database.query(&check.whole(stage, &now.to_string()), Vec::new()) {
            problems.push(format!("I3: {}, but {row:?}", check.holds));
        }
    }
}

fn text<'r>(row: &'r Row, column: &'static str) -> &'r str {
    row.optional_text(column).ok().flatten().unwrap_or_default()
}

fn number(row: &Row, column: &'static str) -> i64 {
    row.optional_integer(column).ok().flatten().unwrap_or_default()
}

fn parsed(row: &Row, column: &'static str) -> Value {
    serde_json::from_str(text(row, column)).unwrap_or_default()
}

fn by_id(rows: Vec<Row>) -> BTreeMap<String, Row> {
    rows.into_iter().map(|row| (text(&row, "id").to_owned(), row)).collect()
}

/// The rows after a run.
struct Books {
    attempts: BTreeMap<String, Row>,
    intents: BTreeMap<String, Row>,
    charges: BTreeMap<String, Row>,
    refunds: BTreeMap<String, Row>,
    events: Vec<Row>,
}

impl Books {
    fn read(world: &World) -> Self {
        let all = |table: &str| world.database.query(&format!("SELECT * FROM {table}"), Vec::new());
        Self {
            attempts: by_id(all("attempts")),
            intents: by_id(all("payment_intents")),
            charges: by_id(all("charges")),
            refunds: by_id(all("refunds")),
            events: world.database.query(
                "SELECT sequence, id, account, livemode, created, type, object, \
                 data ->> '$.object.status' AS status, data ->> '$.object.amount' AS amount, \
                 data ->> '$.object.amount_received' AS received, \
                 data ->> '$.object.amount_captured' AS captured, \
                 data ->> '$.object.amount_refunded' AS refunded FROM events ORDER BY sequence",
                Vec::new(),
            ),
        }
    }

    /// What clients were told holds.
    fn clients_were_told_the_truth(&self, world: &World, problems: &mut Vec<String>) {
        let told = world.told.borrow();
        for (id, known) in &told.intents {
            let Some(intent) = self.intents.get(id) else {
                problems.push(format!("I8: {id} was shown and is not there"));
                continue;
            };
            if !known.account.is_empty() && text(intent, "account") != known.account {
                problems.push(format!("I8: {id} was shown to {}", known.account));
            }
            let taken = number(intent, "received");
            if known.taken > taken {
                let shown = known.taken;
                problems.push(format!("I1: {id} was shown {shown} taken, and took {taken}"));
            }
            let is_canceled = text(intent, "status") == "canceled";
            if known.is_canceled && !is_canceled {
                problems.push(format!("I4: {id} was shown canceled, and is not"));
            }
        }
        for (id, (intent, amount)) in &told.refunds {
            let holds = self.refunds.get(id).is_some_and(|row| {
                text(row, "payment_intent") == intent && number(row, "amount") == *amount
            });
            if !holds {
                problems.push(format!("I8: the refund {id} was shown and is not there"));
            }
        }
    }

    /// I7: nothing is open that waits for nobody.
    fn nothing_is_left_open(&self, world: &World, problems: &mut Vec<String>) {
        let now = world.clock(0).seconds();
        let queries = [
            "SELECT id, state, kind, attention FROM attempts WHERE state IN ('started', 'processing') \
             AND attention IS NULL",
            "SELECT id, status FROM payment_intents WHERE pending_operation IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM attempts WHERE id = pending_operation AND attention IS NOT NULL)",
            "SELECT id, status FROM payment_intents WHERE status = 'processing' AND NOT EXISTS \
             (SELECT 1 FROM attempts WHERE payment_intent = payment_intents.id AND attention IS NOT NULL)",
            "SELECT id FROM charges WHERE details ->> 'pending_operation' IS NOT NULL",
            "SELECT id FROM refunds WHERE pending_operation IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM attempts WHERE id = pending_operation AND attention IS NOT NULL)",
            "SELECT id FROM charges WHERE status = 'succeeded' AND captured + released < amount AND id NOT IN \
             (SELECT subject FROM scheduled_tasks WHERE kind = 'expire_authorization')",
            "SELECT * FROM deliveries WHERE state = 'pending' AND EXISTS (SELECT 1 FROM webhook_endpoints \
             WHERE id = endpoint AND status = 'enabled') AND (next_attempt_at IS NULL OR next_attempt_at < ?1)",
            "SELECT * FROM scheduled_tasks WHERE due_at < ?1",
        ];
        for sql in queries {
            let values = if sql.contains("?1") { store::values![now - 120] } else { Vec::new() };
            for row in world.database.query(sql, values) {
                problems.push(format!("I7: left open: {row:?}"));
            }
        }
    }
}
