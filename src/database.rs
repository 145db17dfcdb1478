//! The database port on D1.

use std::rc::Rc;

use store::{Database, DatabaseError, Row, Rows, Statement, Value};
use wasm_bindgen::prelude::wasm_bindgen;
use worker::D1Database;
use worker::js_sys::{Error, Promise};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;

use crate::clock;
use crate::timings::{Hop, Timings};

// Statements come as one JSON text, and what they find goes back as one: every value that crosses
// into or out of WebAssembly by itself costs as much as all of this.
#[wasm_bindgen(inline_js = r#"
export async function run(database, statements) {
  const prepared = JSON.parse(statements)
    .map(([sql, values]) => database.prepare(sql).bind(...values));
  const results = await database.batch(prepared);
  return JSON.stringify(results.map((result) => result.results));
}
"#)]
extern "C" {
    fn run(database: &JsValue, statements: &str) -> Promise;
}

/// D1, with a count of its use.
pub struct CloudflareDatabase {
    database: JsValue,
    timings: Rc<Timings>,
}

impl CloudflareDatabase {
    /// The database behind a binding.
    pub fn new(database: D1Database, timings: Rc<Timings>) -> Self {
        Self { database: database.into(), timings }
    }

    /// Runs a batch without counting it.
    pub async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        let statements = text(&statements)?;
        let results = JsFuture::from(run(&self.database, &statements))
            .await
            .map_err(|error| DatabaseError::from_message(&message(&error)))?;
        let results: Vec<Vec<_>> = serde_json::from_str(&results.as_string().unwrap_or_default())
            .map_err(|error| DatabaseError::Unknown(error.to_string()))?;
        Ok(results.into_iter().map(|rows| Rows(rows.into_iter().map(Row).collect())).collect())
    }
}

impl Database for CloudflareDatabase {
    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        let began = clock::milliseconds();
        let results = self.run(statements).await;
        self.timings.count(Hop::Database, began);
        results
    }
}

/// The statements as JSON. D1 holds numbers exactly only below 2^53.
fn text(statements: &[Statement]) -> Result<String, DatabaseError> {
    let values = statements.iter().flat_map(|statement| &statement.values);
    for value in values {
        if let Value::Integer(integer) = value
            && integer.unsigned_abs() >= 1 << 53
        {
            return Err(DatabaseError::Refused(format!("{integer} is too large to be bound")));
        }
    }
    let statements: Vec<_> =
        statements.iter().map(|statement| (&statement.sql, &statement.values)).collect();
    serde_json::to_string(&statements).map_err(|error| DatabaseError::Refused(error.to_string()))
}

/// What an error of JavaScript says.
pub fn message(error: &JsValue) -> String {
    match error.dyn_ref::<Error>() {
        Some(error) => String::from(error.message()),
        None => error.as_string().unwrap_or_else(|| format!("{error:?}")),
    }
}
