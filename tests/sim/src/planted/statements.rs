//! What bugs do to the code's statements on their way to the database.

use std::rc::Rc;

use store::{DatabaseError, Rows, Statement, Value};

use super::Planted;
use super::bugs::{How, INTENT};
use crate::world::World;

impl Planted {
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
            How::Special if self.is("captures_fail") => fail(statements, "capture"),
            How::Special if self.is("refunds_fail") => fail(statements, "refund"),
            How::Special if self.is("left_to_a_person_at_once") => park(statements),
            How::Special if self.is("event_stale") => {
                of(statements, "INSERT INTO events", |event| {
                    reword(event, 6, r#""status":"succeeded""#, r#""status":"processing""#);
                })
            }
            How::Special if self.is("delivery_given_up") => {
                of(statements, "UPDATE deliveries SET state = CASE WHEN replay", |record| {
                    record.values[2] = Value::Text("failed".to_owned());
                    record.values[3] = Value::Null;
                });
            }
            How::Special if self.is("no_failover") => {
                of(statements, "INSERT INTO routings", |routing| {
                    for more in ["2", "3"] {
                        reword(
                            routing,
                            5,
                            &format!("\"max_attempts\":{more}"),
                            "\"max_attempts\":1",
                        );
                    }
                })
            }
            How::Special if self.is("ledger_in_another_processors_books") => {
                of_entries(statements, |entry| {
                    if entry[5] == Value::Text("clearing".to_owned()) {
                        entry[2] = Value::Text("simulator".to_owned());
                    }
                });
            }
            How::Special if self.is("settlement_fee_one_more") => {
                // What has no fee has no entry for it either.
                statements
                    .iter_mut()
                    .filter(|one| has(one, "processor_fees"))
                    .for_each(keep_one_more);
            }
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
}

/// Whether a statement is of a kind.
pub(super) fn begins_with(statement: &Statement, begins: &str) -> bool {
    statement.sql.trim_start().starts_with(begins)
}

fn has(statement: &Statement, text: &str) -> bool {
    statement.values.iter().any(|value| *value == Value::Text(text.to_owned()))
}

fn of(statements: &mut [Statement], begins: &str, change: impl Fn(&mut Statement)) {
    statements.iter_mut().filter(|one| begins_with(one, begins)).for_each(change);
}

/// Puts other words in the place of some in a value that is a text.
fn reword(statement: &mut Statement, place: usize, from: &str, to: &str) {
    if let Some(Value::Text(text)) = statement.values.get_mut(place) {
        *text = text.replace(from, to);
    }
}

/// Has the database refuse every attempt of a kind.
fn fail(statements: &mut [Statement], kind: &str) {
    for statement in statements.iter_mut().filter(|one| has(one, kind)) {
        if begins_with(statement, "INSERT INTO attempts") {
            statement.sql = "SELECT no_such_column".into();
            statement.values.clear();
        }
    }
}

/// Leaves an attempt to a person where it was to be asked after again.
fn park(statements: &mut Vec<Statement>) {
    let is_again = |one: &&mut Statement| {
        begins_with(one, "INSERT INTO scheduled_tasks")
            && has(one, "recover_attempt")
            && one.values.last() != Some(&Value::Integer(0))
    };
    let Some(again) = statements.iter_mut().find(is_again) else { return };
    if let Some(Value::Integer(due_at)) = again.values.first_mut() {
        *due_at += 86_400;
    }
    let id = again.values[2].clone();
    let sql = "UPDATE attempts SET attention = 'It was not answered.' \
        WHERE id = ?1 AND state = 'started' AND attention IS NULL";
    statements.push(Statement::new(sql, vec![id]));
}

/// How many values an entry of the ledger has.
const ENTRY: usize = 9;

fn keep_one_more(statement: &mut Statement) {
    for entry in statement.values.chunks_exact_mut(ENTRY) {
        let more = match &entry[5] {
            Value::Text(kind) if kind == "processor_fees" => 1,
            Value::Text(kind) if kind == "processor_balance" => -1,
            _ => 0,
        };
        if let Value::Integer(amount) = &mut entry[7] {
            *amount += more;
        }
    }
}

fn of_entries(statements: &mut [Statement], change: impl Fn(&mut [Value])) {
    of(statements, "INSERT INTO ledger_entries", |statement| {
        statement.values.chunks_exact_mut(ENTRY).for_each(&change);
    });
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
        _ => {
            let mut results = database.run_batch(statements)?;
            planted.show(world.clock(0).seconds(), statements, &mut results);
            Ok(results)
        }
    }
}
