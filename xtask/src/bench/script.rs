//! What one request of each kind does in D1 and Durable Objects: watched in Florin, done again by the floor, and
//! compared.
use std::fmt;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Connection;
use super::operation::{Operation, Prepared};
use super::server::{Server, Subject};

/// What a request did, as observer.js tells it.
#[derive(Clone, Debug, Deserialize)]
pub struct Observed {
    /// In their order.
    pub hops: Vec<Hop>,
    /// The size of the answer's body.
    pub answer: usize,
}

/// One visit to a store.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hop {
    /// To a Durable Object, with the sizes of what was said.
    Object { question: usize, answer: usize },
    /// To D1, with the statements of the batch.
    Database(Vec<Statement>),
}

/// One statement.
#[derive(Clone, Debug, Deserialize)]
pub struct Statement {
    sql: String,
    /// The size of the values bound to it.
    bound: usize,
    rows_written: u64,
    rows_read: u64,
    /// The rows that it found, as the sizes of their columns.
    found: Vec<Vec<usize>>,
}

/// The floor's tables and what it does with them.
pub struct Script {
    /// The variable that the floor reads.
    pub text: String,
    /// The statements that make its tables.
    pub tables: Vec<String>,
}

impl Observed {
    /// How many rows, index rows included, the request wrote.
    pub fn rows_written(&self) -> u64 {
        self.statements().map(|statement| statement.rows_written).sum()
    }

    fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.hops
            .iter()
            .filter_map(|hop| match hop {
                Hop::Database(statements) => Some(statements),
                Hop::Object { .. } => None,
            })
            .flatten()
    }

    /// What must be equal for the floor to be one.
    fn shape(&self) -> Vec<(usize, u64, Vec<Vec<usize>>)> {
        let hop = |hop: &Hop| match hop {
            Hop::Object { question, answer } => (0, 0, vec![vec![*question, *answer]]),
            Hop::Database(statements) => (
                statements.len(),
                statements.iter().map(|statement| statement.rows_written).sum(),
                statements.iter().flat_map(|statement| statement.found.clone()).collect(),
            ),
        };
        self.hops.iter().map(hop).collect()
    }

    /// Each statement with what it wrote and read, for people.
    pub fn list(&self) -> String {
        let line = |statement: &Statement| {
            let Statement { sql, bound, rows_written, rows_read, found } = statement;
            let sql: String = sql.chars().take(60).collect();
            format!(
                "    {rows_written:>2} written, {rows_read:>2} read, {:>2} found, {bound:>5} bytes: {sql}\n",
                found.len()
            )
        };
        self.statements().map(line).collect()
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for hop in &self.hops {
            match hop {
                Hop::Object { question, answer } => {
                    write!(formatter, "object ({question} B, {answer} B)")?;
                }
                Hop::Database(statements) => {
                    let written: u64 = statements.iter().map(|one| one.rows_written).sum();
                    let found: usize = statements.iter().map(|one| one.found.len()).sum();
                    let bound: usize = statements.iter().map(|one| one.bound).sum();
                    write!(
                        formatter,
                        "D1 ({} statements, {written} rows written, {found} found, {bound} B)",
                        statements.len()
                    )?;
                }
            }
            write!(formatter, ", ")?;
        }
        write!(formatter, "answer ({} B)", self.answer)
    }
}

/// Watches one request of each kind.
pub fn observe(
    server: &Server,
    subject: Subject,
    key: &str,
    operations: &[Operation],
) -> Result<Vec<(Operation, Observed)>> {
    let mut connection = Connection::open(server.port)?;
    let mut all = Vec::new();
    for operation in operations {
        let prepared = Prepared::new(*operation, subject, key, server.port)?;
        let mut seen: Option<Observed> = None;
        // The first requests fill caches, and the heartbeat may beat in the middle of one.
        for number in 0..4 {
            prepared.send(&mut connection, &format!("observe-{}", operation.name()), number)?;
            let text = connection.observed.take().context("the observer is not there")?;
            let observed: Observed = serde_json::from_str(&text)?;
            if seen.as_ref().is_none_or(|seen| observed.hops.len() <= seen.hops.len()) {
                seen = Some(observed);
            }
            sleep(Duration::from_millis(100));
        }
        all.extend(seen.map(|seen| (*operation, seen)));
    }
    Ok(all)
}

/// The floor that does what was seen.
pub fn of(observed: &[(Operation, Observed)]) -> Script {
    let mut tables = Vec::new();
    let mut operations = serde_json::Map::new();
    for (operation, observed) in observed {
        let hops: Vec<Value> = observed
            .hops
            .iter()
            .map(|hop| match hop {
                Hop::Object { question, answer } => {
                    json!({ "object": { "question": question, "answer": answer } })
                }
                Hop::Database(statements) => {
                    let statements = statements.iter().map(|one| statement(one, &mut tables));
                    json!({ "database": statements.collect::<Vec<_>>() })
                }
            })
            .collect();
        let value = json!({ "hops": hops, "answer": observed.answer });
        operations.insert(operation.name().to_owned(), value);
    }
    Script { text: Value::Object(operations).to_string(), tables }
}

/// The length of the ids that the floor gives its rows.
const ID: usize = 20;

fn statement(statement: &Statement, tables: &mut Vec<String>) -> Value {
    if statement.rows_written > 0 {
        let name = writing_table(statement.rows_written, tables);
        return json!({
            "sql": format!("INSERT INTO {name} (id, body) VALUES (?1, ?2)"),
            "writes": statement.bound.saturating_sub(ID),
        });
    }
    let sql = match statement.found.as_slice() {
        [] => "SELECT 1 WHERE 0".to_owned(),
        rows => format!("SELECT * FROM {} LIMIT {}", reading_table(rows, tables), rows.len()),
    };
    json!({ "sql": sql, "writes": null })
}

/// A table in which one insertion writes this many rows, those of its indexes included.
fn writing_table(rows: u64, tables: &mut Vec<String>) -> String {
    let name = format!("rows_{rows}");
    let made = match rows {
        1 => format!("CREATE TABLE {name} (id TEXT PRIMARY KEY, body TEXT) STRICT, WITHOUT ROWID"),
        _ => format!(
            "CREATE TABLE {name} (sequence INTEGER PRIMARY KEY, id TEXT UNIQUE, body TEXT) STRICT"
        ),
    };
    if !tables.contains(&made) {
        tables.push(made);
        for number in 2..rows {
            tables.push(format!("CREATE INDEX {name}_{number} ON {name} (id)"));
        }
    }
    name
}

/// A table that holds rows of these sizes.
fn reading_table(rows: &[Vec<usize>], tables: &mut Vec<String>) -> String {
    let name = format!("kept_{}", tables.len());
    let columns = rows.iter().map(Vec::len).max().unwrap_or(1);
    let names: Vec<_> = (0..columns).map(|number| format!("c{number} TEXT")).collect();
    tables.push(format!("CREATE TABLE {name} ({}) STRICT", names.join(", ")));
    for row in rows {
        let values: Vec<_> = row.iter().map(|size| format!("'{}'", "x".repeat(*size))).collect();
        tables.push(format!("INSERT INTO {name} VALUES ({})", values.join(", ")));
    }
    name
}

/// Holds the floor against what it is the floor of.
pub fn compare(florin: &[(Operation, Observed)], floor: &[(Operation, Observed)]) -> Result<()> {
    for ((operation, florin), (_, floor)) in florin.iter().zip(floor) {
        if florin.shape() != floor.shape() || florin.answer != floor.answer {
            bail!("the floor of {} does something else:\n{florin}\n{floor}", operation.name());
        }
    }
    Ok(())
}
