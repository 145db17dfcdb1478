//! The floor under Florin: a Worker that makes the same storage hops with the same statements, rows
//! and bytes, and does nothing else.
//!
//! What a request does is not written here. The benchmark watches one request of each kind in Florin,
//! and hands the hops that it saw over as the variable `SCRIPT`, so that the floor cannot drift from
//! what it is the floor of.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Deserialize;
use worker::wasm_bindgen::JsValue;
use worker::{
    Context, D1Database, DurableObject, Env, Headers, Request, Response, ResponseBuilder, Result,
    SqlStorage, State, durable_object, event,
};

/// Objects are asked by the same code.
#[path = "../../../src/object.rs"]
mod object;

/// How many objects share the keys, as for every account of Florin.
const SHARDS: u32 = 8;

/// What a request of one kind does.
#[derive(Deserialize)]
struct Operation {
    hops: Vec<Hop>,
    /// The size of the answer's body.
    answer: usize,
}

/// One visit to a store.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Hop {
    /// A Durable Object is told something of this size, keeps it, and answers.
    Object { question: usize, answer: usize },
    /// A batch of statements runs in D1.
    Database(Vec<Statement>),
}

/// One statement.
#[derive(Deserialize)]
struct Statement {
    sql: String,
    /// The size of the row that it writes, if it writes one.
    writes: Option<usize>,
}

/// An operation with its constant texts made.
struct Ready {
    hops: Vec<ReadyHop>,
    answer: String,
}

enum ReadyHop {
    Object { question: String, answer: usize },
    Database(Vec<(String, Option<JsValue>)>),
}

thread_local! {
    static OPERATIONS: std::cell::OnceCell<BTreeMap<String, Rc<Ready>>> =
        const { std::cell::OnceCell::new() };
}

fn filler(size: usize) -> String {
    "x".repeat(size)
}

fn ready(operation: Operation) -> Ready {
    let text = |size| JsValue::from_str(&filler(size));
    let hop = |hop| match hop {
        Hop::Object { question, answer } => ReadyHop::Object { question: filler(question), answer },
        Hop::Database(statements) => ReadyHop::Database(
            statements.into_iter().map(|one| (one.sql, one.writes.map(text))).collect(),
        ),
    };
    Ready {
        hops: operation.hops.into_iter().map(hop).collect(),
        answer: filler(operation.answer),
    }
}

fn find(env: &Env, name: &str) -> Result<Option<Rc<Ready>>> {
    let script = match OPERATIONS.with(|operations| operations.get().is_some()) {
        true => None,
        false => Some(env.var("SCRIPT")?.to_string()),
    };
    OPERATIONS.with(|operations| {
        if let Some(script) = script {
            let read: BTreeMap<String, Operation> = serde_json::from_str(&script)?;
            let read = read.into_iter().map(|(name, operation)| (name, Rc::new(ready(operation))));
            operations.get_or_init(|| read.collect());
        }
        Ok(operations.get().and_then(|operations| operations.get(name).cloned()))
    })
}

#[event(fetch)]
async fn fetch(mut request: Request, env: Env, _context: Context) -> Result<Response> {
    let path = request.path();
    let Some(operation) = find(&env, path.trim_start_matches('/'))? else {
        return Response::error("no such operation", 404);
    };
    let key = request.headers().get("idempotency-key")?.unwrap_or_default();
    // Reading the request and its body belongs to every Worker that takes payments.
    request.bytes().await?;
    let shard = key.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let shard = format!("shard:{}", shard % SHARDS);
    let database = env.d1("DB")?;
    for (place, hop) in operation.hops.iter().enumerate() {
        match hop {
            ReadyHop::Object { question, answer } => {
                let url = format!("https://shard/{answer}/{key}");
                let answer = object::ask(&env, "SHARDS", &shard, &url, question).await?;
                if answer.status >= 300 {
                    return Response::error(answer.text, 500);
                }
            }
            ReadyHop::Database(statements) => {
                run(&database, &format!("{key}:{place}"), statements).await?;
            }
        }
    }
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    Ok(Response::from_bytes(operation.answer.clone().into_bytes())?.with_headers(headers))
}

/// Every row gets the request's key and its own place for an id.
async fn run(
    database: &D1Database,
    key: &str,
    statements: &[(String, Option<JsValue>)],
) -> Result<()> {
    let mut prepared = Vec::with_capacity(statements.len());
    for (place, (sql, row)) in statements.iter().enumerate() {
        let statement = database.prepare(sql.as_str());
        prepared.push(match row {
            Some(row) => statement.bind(&[format!("{key}:{place}").into(), row.clone()])?,
            None => statement,
        });
    }
    database.batch(prepared).await?;
    Ok(())
}

/// Keeps the records of one shard.
#[durable_object]
pub struct Shard {
    sql: SqlStorage,
}

impl DurableObject for Shard {
    fn new(state: State, _env: Env) -> Self {
        let sql = state.storage().sql();
        let created = sql.exec(
            "CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, record TEXT NOT NULL, \
             created INTEGER NOT NULL) STRICT, WITHOUT ROWID; \
             CREATE INDEX IF NOT EXISTS records_by_age ON records (created)",
            None,
        );
        if let Err(error) = created {
            worker::console_error!("the table of records could not be made: {error}");
        }
        Self { sql }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let record = request.text().await?;
        let path = request.path();
        let (answer, key) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
        self.sql.exec(
            "INSERT OR REPLACE INTO records (key, record, created) VALUES (?, ?, 1)",
            vec![key.into(), record.into()],
        )?;
        match answer.parse().unwrap_or_default() {
            0 => Ok(Response::empty()?.with_status(204)),
            size => Ok(ResponseBuilder::new().fixed(filler(size).into_bytes())),
        }
    }
}
