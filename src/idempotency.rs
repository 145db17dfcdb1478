//! The Durable Object that keeps idempotency records, and how it is asked.
//!
//! One object keeps the keys of one shard of an account and mode: an object for each key was the
//! slowest thing measured. Its storage is synchronous, so nothing comes between a read and its write.

use std::cell::Cell;

use domain::Timestamp;
use domain::idempotency::{Begin, Complete, Decision, Instance, RETENTION, Record, Records, Run};
use serde::Serialize;
use store::idempotency_records;
use worker::{
    DurableObject, Env, Request, Response, ResponseBuilder, Result, SqlStorage, SqlStorageValue,
    State, durable_object,
};

use crate::{clock, object, storage};

/// The statuses that say whether an answer was kept.
const KEPT: u16 = 204;
const OVERTAKEN: u16 = 409;

/// How many records one sweep deletes.
const MOST_SWEPT: i64 = 1_000;

/// Keeps the idempotency records of one shard.
#[durable_object(alarm)]
pub struct IdempotencyShard {
    state: State,
    sql: SqlStorage,
    /// Were a write to get lost, the runtime would start the object anew.
    instance: Instance,
    sweep_is_planned: Cell<bool>,
}

impl DurableObject for IdempotencyShard {
    fn new(state: State, _env: Env) -> Self {
        let sql = state.storage().sql();
        let created = sql
            .exec(idempotency_records::TABLE, None)
            .and_then(|_| sql.exec(idempotency_records::INDEX, None));
        if let Err(error) = created {
            worker::console_error!("the table of idempotency records could not be made: {error}");
        }
        Self { state, sql, instance: Instance::default(), sweep_is_planned: Cell::new(false) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let path = request.path();
        let question = request.text().await?;
        match path.as_str() {
            "/begin" => {
                let begin: Begin = storage::read(&question)?;
                self.plan_sweep(begin.now).await?;
                let decision = serde_json::to_string(&self.instance.begin(self, &begin)?)?;
                Ok(ResponseBuilder::new().fixed(decision.into_bytes()))
            }
            "/complete" => {
                let complete: Complete = storage::read(&question)?;
                let status =
                    if self.instance.complete(self, &complete)? { KEPT } else { OVERTAKEN };
                Ok(Response::empty()?.with_status(status))
            }
            _ => Response::error("unknown question", 404),
        }
    }

    async fn alarm(&self) -> Result<Response> {
        // Only keys that even an open outcome no longer needs are deleted.
        let now = clock::now();
        let oldest = now.plus(RETENTION.saturating_mul(-2));
        let values = vec![oldest.seconds().into(), now.seconds().into(), MOST_SWEPT.into()];
        let swept = self.sql.exec(idempotency_records::SWEEP, values);
        if let Err(error) = swept {
            worker::console_error!("idempotency records could not be swept: {error}");
        }
        self.sweep_is_planned.set(false);
        // What is left of those is due at once: the next one comes for it.
        self.plan_sweep(now).await?;
        Response::empty()
    }
}

impl Records for IdempotencyShard {
    type Error = worker::Error;

    fn find(&self, key: &str) -> Result<Option<Record>> {
        let cursor = self.sql.exec("SELECT record FROM records WHERE key = ?", vec![key.into()])?;
        match storage::first(&cursor)? {
            Some(SqlStorageValue::String(record)) => Ok(Some(storage::read(&record)?)),
            _ => Ok(None),
        }
    }

    fn insert(&self, key: &str, record: &Record) -> Result<bool> {
        self.write(
            "INSERT OR IGNORE INTO records (record, created, key) VALUES (?, ?, ?)",
            record,
            vec![key.into()],
        )
    }

    fn replace(&self, key: &str, run: Run, record: &Record) -> Result<bool> {
        self.write(
            "UPDATE records SET record = ?, created = ? WHERE key = ? AND created = ? \
             AND record ->> 'epoch' = ?",
            record,
            vec![key.into(), run.created.seconds().into(), run.epoch.into()],
        )
    }
}

impl IdempotencyShard {
    /// Writes a record where a statement says; false where that is nowhere.
    fn write(&self, sql: &str, record: &Record, place: Vec<SqlStorageValue>) -> Result<bool> {
        let mut values =
            vec![serde_json::to_string(record)?.into(), record.created.seconds().into()];
        values.extend(place);
        Ok(self.sql.exec(sql, values)?.rows_written() > 0)
    }

    /// Plans the next sweep, unless one is planned.
    async fn plan_sweep(&self, now: Timestamp) -> Result<()> {
        if self.sweep_is_planned.replace(true) {
            return Ok(());
        }
        let storage = self.state.storage();
        if storage.get_alarm().await?.is_none() {
            let oldest = self.sql.exec("SELECT min(created) FROM records", None)?;
            let oldest = match storage::first(&oldest)? {
                Some(SqlStorageValue::Integer(created)) => created,
                _ => now.seconds(),
            };
            let age = now.seconds().saturating_sub(oldest);
            let wait = RETENTION.saturating_mul(2).saturating_sub(age).max(1);
            let wait = u64::try_from(wait).unwrap_or(1);
            storage.set_alarm(std::time::Duration::from_secs(wait)).await?;
        }
        Ok(())
    }
}

/// Asks the object of a shard whether a request may run.
///
/// # Errors
/// Says what the object or the runtime said.
pub async fn begin(
    env: &Env,
    object: &str,
    begin: &Begin,
) -> std::result::Result<Decision, String> {
    let answer = ask(env, object, "begin", begin).await?;
    match answer.status {
        200 => domain::kept::from_text(&answer.text).map_err(|error| error.to_string()),
        _ => Err(answer.text),
    }
}

/// Tells the object of a shard how a request ended; false when another run overtook this one.
///
/// # Errors
/// Says what the object or the runtime said.
pub async fn complete(
    env: &Env,
    object: &str,
    complete: &Complete,
) -> std::result::Result<bool, String> {
    let answer = ask(env, object, "complete", complete).await?;
    match answer.status {
        KEPT => Ok(true),
        OVERTAKEN => Ok(false),
        _ => Err(answer.text),
    }
}

async fn ask<Q: Serialize>(
    env: &Env,
    shard: &str,
    path: &str,
    question: &Q,
) -> std::result::Result<object::Answer, String> {
    let question = serde_json::to_string(question).map_err(|error| error.to_string())?;
    let url = format!("https://idempotency/{path}");
    object::ask(env, "IDEMPOTENCY", shard, &url, &question).await.map_err(|error| error.to_string())
}
