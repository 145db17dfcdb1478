//! The database port on D1.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use serde::Serialize;
use store::{Database, DatabaseError, Row, Rows, Statement, Value};
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;
use worker::js_sys::{Error, Promise};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;

use crate::clock;
use crate::timings::{Hop, Timings};

// Every value that crosses into or out of WebAssembly by itself costs as much as all of this: statements come as two
// texts, and what they find goes back as one. The first is JSON, where a text that is bound is only its length, a
// number that is bound is a list of it, and the text of a statement comes once, with the number that stands for it from
// then on; 0 stands for those that differ each time. The second is all bound texts, one after another: most are JSON
// themselves, and would have to be escaped to be JSON's.
#[wasm_bindgen(inline_js = r#"
const texts = [];
let size = 0;
const isNumber = (limit) => /^\d{1,15}$/.test(limit);
export const isLimitUnreadable = ({ DATABASE_FULL_AT: limit }) => limit !== undefined && !isNumber(limit);
export const isNearlyFull = ({ DATABASE_FULL_AT: limit }) => size > (isNumber(limit) ? limit : 9.5e9);
export const isClosed = ({ DATABASE_FULL_AT: limit }) => isNumber(limit) && limit < 512;
export async function run({ DB: database }, statements, bound) {
  if (database === undefined) throw new Error("the binding DB is missing");
  let place = 0;
  const value = (shape) => {
    if (typeof shape !== "number") return shape === null ? null : shape[0];
    const text = bound.slice(place, place + shape);
    place += shape;
    return text;
  };
  const prepared = JSON.parse(statements).map(([number, values, text]) => {
    if (text !== null) texts[number] = text;
    return [texts[number], values.map(value)];
  }).map(([text, values]) => database.prepare(text).bind(...values));
  const results = await database.batch(prepared);
  size = results.at(-1)?.meta?.size_after ?? size;
  return JSON.stringify(results.map((result) => result.results));
}
"#)]
extern "C" {
    fn run(env: &JsValue, statements: &str, bound: &str) -> Promise;
    #[wasm_bindgen(js_name = isNearlyFull)]
    fn is_nearly_full(env: &JsValue) -> bool;
    #[wasm_bindgen(js_name = isClosed)]
    fn is_closed(env: &JsValue) -> bool;
    #[wasm_bindgen(js_name = isLimitUnreadable)]
    fn is_limit_unreadable(env: &JsValue) -> bool;
}

thread_local! {
    /// The texts that JavaScript knows, by where they lie and how long they are, since they are the program's own; with
    /// their numbers.
    static NUMBERS: RefCell<Vec<((usize, usize), usize)>> = const { RefCell::new(Vec::new()) };
}

/// The number that stands for the text of a statement, and the text itself unless JavaScript knows it.
fn numbered(statement: &Statement) -> (usize, Option<String>) {
    let Cow::Borrowed(text) = statement.sql else {
        return (0, Some(store::hide_values(&statement.sql)));
    };
    let (start, length) = (text.as_ptr().addr(), text.len());
    NUMBERS.with_borrow_mut(|numbers| {
        let place = numbers.partition_point(|(known, _)| *known < (start, length));
        match numbers.get(place) {
            Some((known, number)) if *known == (start, length) => (*number, None),
            _ => {
                let number = numbers.len().saturating_add(1);
                numbers.insert(place, ((start, length), number));
                (number, Some(store::hide_values(text)))
            }
        }
    })
}

/// D1, with a count of its use.
pub struct CloudflareDatabase {
    env: Env,
    timings: Rc<Timings>,
}

impl CloudflareDatabase {
    /// The database behind the binding `DB`.
    pub fn new(env: Env, timings: Rc<Timings>) -> Self {
        Self { env, timings }
    }

    /// Whether it had more bytes after the last batch of this isolate than it may have for new payments to begin.
    pub fn is_nearly_full(&self) -> bool {
        is_nearly_full(self.env.as_ref())
    }

    /// Whether it may have fewer bytes than the smallest database has: an operator means that nothing may begin.
    pub fn is_closed(&self) -> bool {
        is_closed(self.env.as_ref())
    }

    /// Whether the number of bytes that it may have is set to what is none.
    pub fn is_limit_unreadable(&self) -> bool {
        is_limit_unreadable(self.env.as_ref())
    }

    /// Runs a batch without counting it.
    pub async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        let (statements, bound) = texts(&statements)?;
        let results = JsFuture::from(run(self.env.as_ref(), &statements, &bound))
            .await
            .map_err(|error| DatabaseError::from_message(&message(&error)))?;
        let results = serde_json::from_str(&results.as_string().unwrap_or_default())
            .map_err(|error| DatabaseError::Unknown(error.to_string()))?;
        let rows = |rows| list(rows)?.into_iter().map(row).collect::<Result<_, _>>().map(Rows);
        list(results)?.into_iter().map(rows).collect()
    }
}

fn list(value: serde_json::Value) -> Result<Vec<serde_json::Value>, DatabaseError> {
    match value {
        serde_json::Value::Array(list) => Ok(list),
        _ => Err(DatabaseError::Unknown("its answer is no list".to_owned())),
    }
}

fn row(value: serde_json::Value) -> Result<Row, DatabaseError> {
    match value {
        serde_json::Value::Object(fields) => Ok(Row(fields)),
        _ => Err(DatabaseError::Unknown("its answer holds what is no row".to_owned())),
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

/// A value beside the bound texts.
#[derive(Serialize)]
#[serde(untagged)]
enum Shape {
    Null,
    Integer([i64; 1]),
    /// A text by its length as JavaScript counts it.
    Text(usize),
}

/// The statements, and the texts bound to them. D1 holds numbers exactly only below 2^53.
fn texts(statements: &[Statement]) -> Result<(String, String), DatabaseError> {
    let mut bound = String::new();
    let mut shape = |value: &Value| match value {
        Value::Null => Ok(Shape::Null),
        Value::Integer(integer) if integer.unsigned_abs() >= 1 << 53 => {
            Err(DatabaseError::Refused(format!("{integer} is too large to be bound")))
        }
        Value::Integer(integer) => Ok(Shape::Integer([*integer])),
        Value::Text(text) => {
            bound.push_str(text);
            let is_plain = text.is_ascii();
            Ok(Shape::Text(if is_plain { text.len() } else { text.encode_utf16().count() }))
        }
    };
    let mut shapes = Vec::with_capacity(statements.len());
    for statement in statements {
        let (number, text) = numbered(statement);
        let values = statement.values.iter().map(&mut shape).collect::<Result<Vec<_>, _>>()?;
        shapes.push((number, values, text));
    }
    let statements = serde_json::to_string(&shapes)
        .map_err(|error| DatabaseError::Refused(error.to_string()))?;
    Ok((statements, bound))
}

/// What an error of JavaScript says.
pub fn message(error: &JsValue) -> String {
    match error.dyn_ref::<Error>() {
        Some(error) => String::from(error.message()),
        None => error.as_string().unwrap_or_else(|| format!("{error:?}")),
    }
}
