//! What has to hold after a run: I1 to I8, seen from outside. The processor's own truth, what clients were told
//! and what endpoints took are held against the rows; the rows are held against each other by the product's own
//! audit, and by the checker that all tests share.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use serde_json::Value;
use store::Row;
use store::audit::checks;

use crate::processor::Payment;
use crate::world::World;

/// Everything that does not hold, in the order in which it was found; the first word names the invariant.
pub fn check(world: &Rc<World>, thoroughly: bool) -> Vec<String> {
    let mut problems = world.told.borrow().problems.clone();
    problems.extend(world.endpoints.borrow().problems.iter().cloned());
    let books = Books::read(world);
    let mut found = Vec::new();
    books.processor_agrees(world, &mut found);
    books.clients_were_told_the_truth(world, &mut found);
    books.events_reach_their_endpoints(world, &mut found);
    books.nothing_is_left_open(world, &mut found);
    audit(world, &mut found);
    problems.extend(found);
    if thoroughly || !problems.is_empty() {
        problems.extend(shared(world));
    }
    let errors = world.errors.borrow();
    problems
        .extend(errors.iter().filter(|error| is_bug(error)).map(|error| format!("BUG: {error}")));
    problems
}

/// What only our own code can have done wrong.
fn is_bug(error: &str) -> bool {
    let bugs =
        ["was there and is gone", "has no c", "has no p", "lost its", "could not be recorded"];
    bugs.iter().any(|bug| error.contains(bug)) || error.contains("the database refused")
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
                 data ->> '$.object.status' AS status FROM events ORDER BY sequence",
                Vec::new(),
            ),
        }
    }

    /// I1, I2 and I8: what the processor took, holds and gave back is what the rows say.
    fn processor_agrees(&self, world: &World, problems: &mut Vec<String>) {
        let processor = world.processor.borrow();
        let mut given: BTreeMap<&str, i64> = BTreeMap::new();
        for refund in processor.all_refunds() {
            *given.entry(&refund.payment).or_default() += refund.given();
        }
        let mut paid: BTreeMap<&str, Vec<&Payment>> = BTreeMap::new();
        let mut keys = BTreeSet::new();
        for payment in processor.payments() {
            if !keys.insert(&payment.key) {
                problems.push(format!("I1: the key {} made two payments", payment.key));
            }
            let Some(attempt) = self.attempts.get(&payment.key) else {
                problems.push(format!("I8: nobody knows of the payment {payment:?}"));
                continue;
            };
            let given = given.get(payment.id.as_str()).copied().unwrap_or_default();
            let is_parked = !text(attempt, "attention").is_empty();
            let stands = payment.held() > 0 || payment.taken > given;
            if stands && !is_parked {
                paid.entry(text(attempt, "payment_intent")).or_default().push(payment);
            }
            if text(attempt, "state") == "succeeded" {
                self.charge_agrees(attempt, payment, given, problems);
            } else if stands && !is_parked {
                let state = text(attempt, "state");
                problems
                    .push(format!("I8: the attempt is {state}, and the processor has {payment:?}"));
            }
        }
        for (intent, payments) in paid.into_iter().filter(|(_, payments)| payments.len() > 1) {
            problems.push(format!("I1: {intent} was charged twice: {payments:?}"));
        }
        self.refunds_agree(world, problems);
        for attempt in self.attempts.values() {
            let is_there = !text(attempt, "connector_account").is_empty();
            let paid =
                text(attempt, "state") == "succeeded" && text(attempt, "kind") == "authorize";
            if is_there && paid && !keys.contains(&text(attempt, "id").to_owned()) {
                problems.push(format!("I8: the processor knows nothing of {attempt:?}"));
            }
        }
    }

    fn charge_agrees(
        &self,
        attempt: &Row,
        payment: &Payment,
        given: i64,
        problems: &mut Vec<String>,
    ) {
        let request = parsed(attempt, "request");
        let id = request["charge"].as_str().unwrap_or_default();
        let Some(charge) = self.charges.get(id) else {
            problems.push(format!("I8: no charge of {payment:?}"));
            return;
        };
        // What an operation is open of, or left to a person, is not compared.
        let is_open = |attempt: &&Row| {
            text(attempt, "charge") == id
                && (text(attempt, "state") == "started" || !text(attempt, "attention").is_empty())
        };
        if self.attempts.values().any(|attempt| is_open(&attempt)) {
            return;
        }
        let held = match text(charge, "status") {
            "succeeded" => {
                number(charge, "amount") - number(charge, "captured") - number(charge, "released")
            }
            _ => 0,
        };
        let ours = (number(charge, "captured"), number(charge, "refunded"), held);
        let theirs = (payment.taken, given, payment.held());
        if ours != theirs {
            problems.push(format!(
                "I8: {id} says (taken, given back, held) {ours:?}, and the processor {theirs:?} of {payment:?}"
            ));
        }
        if text(charge, "currency") != payment.currency {
            problems.push(format!("I8: {id} is in another currency than {payment:?}"));
        }
        if given > payment.taken {
            problems.push(format!("I2: more went back than was taken: {given} of {payment:?}"));
        }
    }

    fn refunds_agree(&self, world: &World, problems: &mut Vec<String>) {
        let processor = world.processor.borrow();
        let mut keys = BTreeMap::new();
        for refund in processor.all_refunds() {
            if keys.insert(refund.key.clone(), refund).is_some() {
                problems.push(format!("I1: the key {} gave back twice", refund.key));
            }
            let key = refund.key.trim_end_matches("_give_back");
            if !self.attempts.contains_key(key) {
                problems.push(format!("I8: nobody knows of the refund {refund:?}"));
            }
        }
        for row in self.refunds.values() {
            let attempt = parsed(row, "details")["attempt"].as_str().unwrap_or_default().to_owned();
            let Some(attempt) = self.attempts.get(&attempt) else { continue };
            let is_there = !text(attempt, "connector_account").is_empty();
            if !is_there || !text(attempt, "attention").is_empty() {
                continue;
            }
            let theirs = keys.get(text(attempt, "id")).map(|refund| (refund.status, refund.amount));
            let ours = text(row, "status");
            let agrees = match (ours, theirs) {
                ("failed" | "canceled", None) => true,
                (ours, Some((status, amount))) => ours == status && amount == number(row, "amount"),
                _ => false,
            };
            if !agrees {
                problems.push(format!("I8: {row:?}, and the processor says {theirs:?}"));
            }
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

    /// I6: each event reached each endpoint that hears of it, or that is visible.
    fn events_reach_their_endpoints(&self, world: &World, problems: &mut Vec<String>) {
        let endpoints = world.endpoints.borrow();
        let rows = world.database.query("SELECT * FROM webhook_endpoints", Vec::new());
        let rows = by_id(rows);
        let failed: BTreeSet<(String, i64)> = world
            .database
            .query("SELECT endpoint, event FROM deliveries WHERE state = 'failed'", Vec::new())
            .iter()
            .map(|row| (text(row, "endpoint").to_owned(), number(row, "event")))
            .collect();
        let mut known: BTreeMap<&str, &Row> = BTreeMap::new();
        for event in &self.events {
            known.insert(text(event, "id"), event);
        }
        for endpoint in endpoints.by_url.values() {
            let Some(row) = rows.get(&endpoint.id) else { continue };
            let is_enabled = text(row, "status") == "enabled";
            let hears = |event: &&Row| {
                text(event, "account") == endpoint.account
                    && number(event, "sequence") > number(row, "since_event")
            };
            for event in self.events.iter().filter(hears) {
                let gave_up = failed.contains(&(endpoint.id.clone(), number(event, "sequence")));
                let id = text(event, "id");
                if is_enabled && !gave_up && !endpoint.taken.contains_key(id) {
                    let kind = text(event, "type");
                    problems.push(format!("I6: {kind} {id} never reached {}", endpoint.id));
                }
            }
            for (id, taken) in &endpoint.taken {
                let is_true = known.get(id.as_str()).is_some_and(|event| {
                    text(event, "account") == endpoint.account
                        && text(event, "type") == taken.kind
                        && (taken.object.is_empty() || text(event, "object") == taken.object)
                        && text(event, "status") == taken.status
                });
                if !is_true {
                    problems.push(format!("I6: {} heard of {id}: {taken:?}", endpoint.id));
                }
            }
        }
        self.intents_are_told_of(problems);
    }

    /// Each payment that is over is told of once, from the clients' side of it.
    fn intents_are_told_of(&self, problems: &mut Vec<String>) {
        let mut told: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for event in &self.events {
            *told.entry((text(event, "type"), text(event, "object"))).or_default() += 1;
        }
        let mut expect = |kind: &'static str, id: &str, times: usize| {
            let found = told.get(&(kind, id)).copied().unwrap_or_default();
            if found != times {
                problems.push(format!("I6: {kind} of {id} was told {found} times, not {times}"));
            }
        };
        for (id, intent) in &self.intents {
            let status = text(intent, "status");
            expect("payment_intent.created", id, 1);
            expect("payment_intent.succeeded", id, usize::from(status == "succeeded"));
            expect("payment_intent.canceled", id, usize::from(status == "canceled"));
        }
        for (id, charge) in &self.charges {
            let status = text(charge, "status");
            expect("charge.succeeded", id, usize::from(status == "succeeded"));
            expect("charge.failed", id, usize::from(status == "failed"));
        }
        for (id, refund) in &self.refunds {
            let made = text(refund, "pending_operation").is_empty();
            expect("refund.created", id, usize::from(made));
            expect("refund.failed", id, usize::from(text(refund, "status") == "failed"));
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
