//! Planted bugs: what the production code would do if it had them, done to its statements, requests and answers on
//! their way. The production code itself has no switch for any of them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use domain::idempotency::{self, Begin, Decision, Record};
use flows::platform::Answered;
use http::{Method, Request};
use serde_json::{Value as Json, json};
use store::{DatabaseError, Rows, Statement, Value};

use crate::notices::signature;
use crate::world::World;

/// What there is to plant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Statements that begin so lack this condition, and the guard behind them.
    Unguarded(&'static str, &'static str),
    /// Of the statements that begin so and hold this text among their values, one in so many is left out.
    LeftOut(&'static str, &'static str, u64),
    /// Statements that begin so have no value at this place.
    Emptied(&'static str, usize),
    /// Statements that begin so have one more at this place.
    OneMore(&'static str, &'static [usize]),
    /// Statements that begin so have this text in the stead of another.
    Rewritten(&'static str, &'static str, &'static str),
    /// Something of its own, by the name of the bug.
    Special,
}

/// A bug that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bug {
    /// Its name.
    pub name: &'static str,
    /// What is done to the code's words.
    pub how: How,
}

const fn bug(name: &'static str, how: How) -> Bug {
    Bug { name, how }
}

const TASK: &str = "INSERT INTO scheduled_tasks";
const INTENT: &str = "UPDATE payment_intents";

/// Every bug that can be planted.
pub const BUGS: &[Bug] = &[
    bug("intent_version_not_guarded", How::Unguarded(INTENT, " AND version = ?2")),
    bug("charge_version_not_guarded", How::Unguarded("UPDATE charges", " AND version = ?2")),
    bug("intent_not_held_while_asking", How::Emptied(INTENT, 12)),
    bug("intent_not_moved_with_its_charge", How::Special),
    bug("recovery_not_planned", How::LeftOut(TASK, "recover_attempt", 1)),
    bug("undoing_not_planned", How::LeftOut(TASK, "undo_attempt", 1)),
    bug("refund_not_settled", How::LeftOut(TASK, "settle_refund", 1)),
    bug("authorization_never_expires", How::LeftOut(TASK, "expire_authorization", 1)),
    bug("event_left_out", How::LeftOut("INSERT INTO events", "", 23)),
    bug("event_doubled", How::Special),
    bug("balance_transaction_left_out", How::LeftOut("INSERT INTO balance_transactions", "", 10)),
    bug("balance_transaction_one_more", How::OneMore("INSERT INTO balance_transactions", &[6, 8])),
    bug("ledger_not_posted", How::LeftOut("INSERT INTO ledger_entries", "", 10)),
    bug("ledger_in_a_batch_of_its_own", How::Special),
    bug("batch_not_atomic", How::Special),
    bug("refusal_of_a_batch_swallowed", How::Special),
    bug("request_key_forgotten", How::Special),
    bug("request_fingerprint_ignored", How::Special),
    bug("request_answer_not_kept", How::Special),
    bug("processor_key_not_sent", How::Special),
    bug("processor_key_new_each_time", How::Special),
    bug("metadata_key_not_sent", How::Special),
    bug("refund_key_new_each_time", How::Special),
    bug("unknown_turned_declined", How::Special),
    bug("unknown_void_taken_for_done", How::Special),
    bug("void_not_sent", How::Special),
    bug("challenge_taken_for_success", How::Special),
    bug("pending_payment_taken_for_success", How::Special),
    bug("pending_refund_taken_for_success", How::Special),
    bug("payment_takes_one_more", How::Special),
    bug("refund_gives_one_more", How::Special),
    bug("fan_out_skips_an_event", How::OneMore("UPDATE fan_out SET event", &[1])),
    bug("delivery_not_sent", How::Special),
    bug("delivery_unsigned", How::Special),
    bug("delivery_changed_after_signing", How::Special),
    bug(
        "lost_delivery_not_searched",
        How::LeftOut(
            "UPDATE deliveries SET next_attempt_at = ?3 WHERE endpoint = ?1 AND event IN (SELECT event",
            "",
            1,
        ),
    ),
    bug(
        "settled_beyond_what_waits",
        How::Rewritten(
            "UPDATE webhook_endpoints SET settled_through",
            "state = 'pending'",
            "state = 'failed'",
        ),
    ),
    bug("notice_signature_not_checked", How::Special),
    bug("notice_age_not_checked", How::Special),
    bug("notice_answered_before_it_is_kept", How::Special),
    bug("notice_not_known_again", How::Special),
    bug("stale_notice_believed", How::Special),
    bug("dispute_notice_taken_for_known", How::LeftOut("INSERT INTO disputes", "", 2)),
    bug("failover_after_an_unknown_outcome", How::Special),
    bug("asked_in_another_account", How::Special),
    bug(
        "intent_of_another_merchant_shown",
        How::Rewritten("SELECT * FROM payment_intents WHERE id = ?1", "account = ?2", "?2 = ?2"),
    ),
];

/// A bug, as it is planted in a run.
pub struct Planted {
    bug: Bug,
    count: Cell<u64>,
    /// What the last notice showed.
    heard: RefCell<Json>,
}

impl Planted {
    /// Plants the bug of a name.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn new(name: &str) -> Self {
        let bug = BUGS.iter().find(|bug| bug.name == name).copied();
        let bug = bug.unwrap_or_else(|| panic!("no bug is called {name}"));
        Self { bug, count: Cell::new(0), heard: RefCell::default() }
    }

    fn is(&self, name: &str) -> bool {
        self.bug.name == name
    }

    /// Counts, and says whether this is one in so many.
    fn nth(&self, one_in: u64) -> bool {
        self.count.set(self.count.get() + 1);
        self.count.get().is_multiple_of(one_in)
    }

    /// Does to a batch what the bug does.
    pub fn rewrite(&self, statements: &mut Vec<Statement>) {
        match self.bug.how {
            How::Unguarded(begins, condition) => unguard(statements, begins, condition),
            How::LeftOut(begins, holds, one_in) => statements.retain(|statement| {
                let holds = holds.is_empty() || has(statement, holds);
                !(holds && begins_with(statement, begins) && self.nth(one_in))
            }),
            How::Emptied(begins, place) => of(statements, begins, |statement| {
                statement.values[place] = Value::Null;
            }),
            How::OneMore(begins, places) => of(statements, begins, |statement| {
                for place in places {
                    if let Value::Integer(number) = &mut statement.values[*place] {
                        *number += 1;
                    }
                }
            }),
            How::Rewritten(begins, from, to) => of(statements, begins, |statement| {
                statement.sql = statement.sql.replace(from, to).into();
            }),
            How::Special if self.is("event_doubled") => self.double(statements),
            How::Special if self.is("notice_not_known_again") => {
                of(statements, "INSERT INTO connector_webhooks", |statement| {
                    self.count.set(self.count.get() + 1);
                    if let Some(Value::Text(id)) = statement.values.first_mut() {
                        id.push_str(&self.count.get().to_string());
                    }
                });
            }
            How::Special if self.is("intent_not_moved_with_its_charge") => {
                let places = |begins: &str| {
                    statements.iter().position(|statement| begins_with(statement, begins))
                };
                if let (Some(intent), Some(_)) = (places(INTENT), places("UPDATE charges")) {
                    statements.drain(intent..intent + 2);
                }
            }
            How::Special => {}
        }
    }

    fn double(&self, statements: &mut Vec<Statement>) {
        let event = |statement: &&Statement| begins_with(statement, "INSERT INTO events");
        let Some(mut twice) = statements.iter().find(event).cloned() else { return };
        if !self.nth(20) {
            return;
        }
        if let Some(Value::Text(id)) = twice.values.first_mut() {
            let last = if id.ends_with('a') { "b" } else { "a" };
            id.replace_range(id.len() - 1.., last);
        }
        statements.push(twice);
    }

    /// Decides a request as the bug does.
    pub fn begin(&self, kept: Option<Record>, begin: &Begin) -> (Decision, Option<Record>) {
        let kept = kept.filter(|_| !self.is("request_key_forgotten"));
        let mut begin = begin.clone();
        if let (Some(record), true) = (&kept, self.is("request_fingerprint_ignored")) {
            begin.fingerprint.clone_from(&record.fingerprint);
        }
        idempotency::begin(kept, &begin)
    }

    /// Whether answers are not kept.
    pub fn forgets_answers(&self) -> bool {
        self.is("request_answer_not_kept")
    }

    /// Does to a delivery what the bug does; with an answer, it is not sent.
    pub fn send(&self, request: &mut Request<String>) -> Option<Answered> {
        if self.is("delivery_unsigned") {
            request.headers_mut().remove("stripe-signature");
        }
        if self.is("delivery_changed_after_signing") {
            request.body_mut().push('\n');
        }
        let sent = Answered { status: 200, ..Answered::default() };
        (self.is("delivery_not_sent") && self.nth(10)).then_some(sent)
    }

    /// Does to what arrives unasked what the bug does: as if the signature were good, or new.
    pub fn receive(&self, world: &World, request: &mut Request<Vec<u8>>) {
        let notices = world.notices.borrow();
        let hook = notices.hooks.values().find(|hook| hook.path == request.uri().path());
        let Some(hook) = hook else { return };
        let body: Json = serde_json::from_slice(request.body()).unwrap_or_default();
        *self.heard.borrow_mut() = body["data"]["object"].clone();
        let Some(header) = request.headers_mut().get_mut("stripe-signature") else { return };
        let text = header.to_str().unwrap_or_default().to_owned();
        let at = text.split(',').find_map(|part| part.strip_prefix("t=")?.parse().ok());
        let body = request.body().clone();
        let is_good = at.is_some_and(|at| signature(&hook.secret, &body, at) == text);
        let signs =
            self.is("notice_signature_not_checked") || is_good && self.is("notice_age_not_checked");
        if signs && let Some(header) = request.headers_mut().get_mut("stripe-signature") {
            let signed = signature(&hook.secret, &body, world.clock(0).seconds());
            *header = signed.parse().unwrap_or_else(|_| header.clone());
        }
    }

    /// Whether what could not be kept is answered as if it were.
    pub fn swallows(&self, status: u16) -> bool {
        status == 503 && self.is("notice_answered_before_it_is_kept")
    }

    /// Does to a question to the processor what the bug does; with an answer, it is not sent.
    pub fn ask(&self, world: &World, request: &mut Request<String>) -> Option<Answered> {
        if request.method() == Method::GET {
            let heard = self.heard.borrow();
            let id = request.uri().path().rsplit('/').next().unwrap_or_default();
            let is_it = self.is("stale_notice_believed") && heard["id"] == id;
            let body = heard.to_string();
            return is_it.then(|| Answered { status: 200, body, ..Answered::default() });
        }
        let path = request.uri().path().to_owned();
        let is_refund = path == "/v1/refunds";
        match self.bug.name {
            "processor_key_not_sent" => drop(request.headers_mut().remove("idempotency-key")),
            "processor_key_new_each_time" => self.rekey(request),
            "metadata_key_not_sent" => {
                let body = request.body().replace("florin_key", "other_key");
                *request.body_mut() = body;
            }
            "refund_key_new_each_time" if is_refund => {
                self.rekey(request);
                let key = request.headers()["idempotency-key"].to_str().unwrap_or_default();
                let (before, _) = request.body().split_once("florin_key%5D=").unwrap_or_default();
                *request.body_mut() = format!("{before}florin_key%5D={key}");
            }
            "asked_in_another_account" if path == "/v1/payment_intents" => {
                let notices = world.notices.borrow();
                let other = format!("Bearer {}", notices.hooks.keys().next_back()?);
                let value = other.parse().ok()?;
                request.headers_mut().insert("authorization", value);
            }
            "payment_takes_one_more" if path == "/v1/payment_intents" => more(request, "amount="),
            "refund_gives_one_more" if is_refund => more(request, "amount="),
            "void_not_sent" if path.ends_with("/cancel") => return Some(canceled(&path)),
            _ => {}
        }
        None
    }

    fn rekey(&self, request: &mut Request<String>) {
        self.count.set(self.count.get() + 1);
        let number = self.count.get();
        if let Some(key) = request.headers_mut().get_mut("idempotency-key") {
            let text = format!("{}-{number}", key.to_str().unwrap_or_default());
            *key = text.parse().unwrap_or_else(|_| key.clone());
        }
    }

    /// Hears of the processor's answer what the bug does.
    ///
    /// # Errors
    /// As the answer.
    pub fn hear(
        &self,
        request: &Request<String>,
        answer: Result<Answered, String>,
    ) -> Result<Answered, String> {
        let path = request.uri().path();
        let is_open = answer.as_ref().map_or(true, |answered| answered.status >= 500);
        match self.bug.name {
            "failover_after_an_unknown_outcome" if is_open && path == "/v1/payment_intents" => {
                let error = json!({ "type": "invalid_request_error", "code": "rate_limit" });
                let body = json!({ "error": error }).to_string();
                return Ok(Answered { status: 429, body, ..Answered::default() });
            }
            "unknown_turned_declined" if is_open && path == "/v1/payment_intents" => {
                let error = json!({ "type": "card_error", "code": "card_declined" });
                let body = json!({ "error": error }).to_string();
                return Ok(Answered { status: 402, body, ..Answered::default() });
            }
            "unknown_void_taken_for_done" if is_open && path.ends_with("/cancel") => {
                return Ok(canceled(path));
            }
            _ => {}
        }
        let mut answer = answer?;
        if let Ok(mut body) = serde_json::from_str::<Json>(&answer.body) {
            self.misread(&mut body);
            answer.body = body.to_string();
        }
        Ok(answer)
    }

    fn misread(&self, body: &mut Json) {
        if let Some(found) = body["data"].as_array_mut() {
            found.iter_mut().for_each(|object| self.misread(object));
        }
        let (is_refund, status) = (body["object"] == "refund", body["status"].clone());
        let name = match self.bug.name {
            "payment_takes_one_more" if body["object"] == "payment_intent" => "payment",
            "refund_gives_one_more" if is_refund => "refund",
            "challenge_taken_for_success" if status == "requires_action" => "paid",
            "pending_payment_taken_for_success" if status == "processing" => "paid",
            "pending_refund_taken_for_success" if is_refund && status == "pending" => "given",
            _ => return,
        };
        match name {
            "paid" => {
                body["status"] = json!("succeeded");
                body["amount_received"] = body["amount"].clone();
            }
            "given" => body["status"] = json!("succeeded"),
            _ => {
                for field in ["amount", "amount_received", "amount_capturable"] {
                    if let Some(number) = body[field].as_i64().filter(|number| *number > 0) {
                        body[field] = json!(number - 1);
                    }
                }
            }
        }
    }
}

/// Whether a statement is of a kind.
fn begins_with(statement: &Statement, begins: &str) -> bool {
    statement.sql.trim_start().starts_with(begins)
}

fn has(statement: &Statement, text: &str) -> bool {
    statement.values.iter().any(|value| *value == Value::Text(text.to_owned()))
}

fn of(statements: &mut [Statement], begins: &str, change: impl Fn(&mut Statement)) {
    statements.iter_mut().filter(|one| begins_with(one, begins)).for_each(change);
}

/// Takes a condition out of a statement, and the guard behind it that looks whether it held.
fn unguard(statements: &mut Vec<Statement>, begins: &str, condition: &str) {
    let mut place = 0;
    while place < statements.len() {
        if begins_with(&statements[place], begins) {
            statements[place].sql = statements[place].sql.replace(condition, "").into();
            let follows = statements.get(place + 1);
            if follows
                .is_some_and(|next| next.sql.starts_with("INSERT INTO guard SELECT changes()"))
            {
                statements.remove(place + 1);
            }
        }
        place += 1;
    }
    if begins == "UPDATE charges" {
        statements.retain(|one| !one.sql.contains("'charge_version'"));
    }
}

/// Raises an amount in a form by one.
fn more(request: &mut Request<String>, name: &str) {
    let fields: Vec<String> = request
        .body()
        .split('&')
        .map(|field| match field.strip_prefix(name).and_then(|text| text.parse::<i64>().ok()) {
            Some(number) => format!("{name}{}", number + 1),
            None => field.to_owned(),
        })
        .collect();
    *request.body_mut() = fields.join("&");
}

/// What the processor would answer to a void that it made.
fn canceled(path: &str) -> Answered {
    let id = path.split('/').nth(3).unwrap_or_default();
    let body = json!({
        "id": id, "object": "payment_intent", "status": "canceled", "amount_received": 0,
        "amount_capturable": 0, "amount": 0, "currency": "usd",
    });
    Answered { status: 200, body: body.to_string(), ..Answered::default() }
}

/// Runs a batch, as one transaction unless the bug is that it is none.
///
/// # Errors
/// As the database.
pub fn run(world: &Rc<World>, statements: &[Statement]) -> Result<Vec<Rows>, DatabaseError> {
    let database = &world.database;
    let Some(planted) = &world.planted else { return database.run_batch(statements) };
    match planted.bug.name {
        "batch_not_atomic" => statements.iter().try_fold(Vec::new(), |mut results, statement| {
            results.extend(database.run_batch(std::slice::from_ref(statement))?);
            Ok(results)
        }),
        "refusal_of_a_batch_swallowed" => match database.run_batch(statements) {
            Err(DatabaseError::Guard(_)) => Ok(vec![Rows::default(); statements.len()]),
            done => done,
        },
        "ledger_in_a_batch_of_its_own" => {
            let is_ledger = |one: &&Statement| one.sql.starts_with("INSERT INTO ledger_entries");
            let cause = |one: &Statement| one.values.first().cloned();
            let causes: Vec<_> = statements.iter().filter(is_ledger).map(cause).collect();
            let (ledger, rest): (Vec<_>, Vec<_>) = statements.iter().cloned().partition(|one| {
                is_ledger(&one) || one.values.len() == 1 && causes.contains(&cause(one))
            });
            let results = database.run_batch(&rest)?;
            // The invocation dies between the two now and then.
            if !planted.nth(15) {
                database.run_batch(&ledger)?;
            }
            Ok(results)
        }
        _ => database.run_batch(statements),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bug_that_changes_a_statement_finds_one_of_that_name() {
        let known = store::registry::statements();
        for bug in BUGS {
            let (How::Unguarded(begins, _)
            | How::LeftOut(begins, ..)
            | How::Emptied(begins, _)
            | How::OneMore(begins, _)
            | How::Rewritten(begins, ..)) = bug.how
            else {
                continue;
            };
            let holds = match bug.how {
                How::Unguarded(_, text) | How::Rewritten(_, text, _) => text,
                _ => "",
            };
            let is_found = known.iter().any(|(_, sql)| {
                let statement = Statement::new(sql.clone(), Vec::new());
                begins_with(&statement, begins) && sql.contains(holds)
            });
            assert!(is_found, "{} changes nothing", bug.name);
        }
    }
}
