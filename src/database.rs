//! The database port on D1.

use std::rc::Rc;

use store::{Database, DatabaseError, Row, Rows, Statement, Value};
use worker::D1Database;
use worker::wasm_bindgen::JsValue;

use crate::clock;
use crate::timings::{Hop, Timings};

/// D1, with a count of its use.
pub struct CloudflareDatabase {
    database: D1Database,
    timings: Rc<Timings>,
}

impl CloudflareDatabase {
    /// The database behind a binding.
    pub fn new(database: D1Database, timings: Rc<Timings>) -> Self {
        Self { database, timings }
    }

    /// Runs a batch without counting it.
    pub async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        let mut prepared = Vec::with_capacity(statements.len());
        for statement in statements {
            let values: Vec<JsValue> =
                statement.values.iter().map(bound).collect::<Result<_, _>>()?;
            let bound = self.database.prepare(statement.sql).bind(&values).map_err(refused)?;
            prepared.push(bound);
        }
        let results = self
            .database
            .batch(prepared)
            .await
            .map_err(|error| DatabaseError::from_message(&error.to_string()))?;
        results
            .iter()
            .map(|result| {
                let rows = result.results().map_err(refused)?;
                Ok(Rows(rows.into_iter().map(Row).collect()))
            })
            .collect()
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

/// D1 takes no 64-bit integers, and holds numbers exactly only below 2^53.
fn bound(value: &Value) -> Result<JsValue, DatabaseError> {
    match value {
        Value::Null => Ok(JsValue::NULL),
        Value::Text(text) => Ok(JsValue::from_str(text)),
        Value::Integer(integer) if integer.unsigned_abs() < 1 << 53 =>
        {
            #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
            Ok(JsValue::from_f64(*integer as f64))
        }
        Value::Integer(integer) => {
            Err(DatabaseError::Refused(format!("{integer} is too large to be bound")))
        }
    }
}

fn refused(error: worker::Error) -> DatabaseError {
    DatabaseError::Refused(error.to_string())
}
