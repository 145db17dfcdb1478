//! The database on SQLite, under D1's rules.
//!
//! Integers are bound as REAL, because JavaScript has no other numbers; the limits are workerd's
//! (its `sqlite.c++`); an error is told in D1's words and read as production reads it.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::LazyLock;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{StatementStatus, ToSql, params_from_iter};
use store::{DatabaseError, Row, Rows, Statement, Value};

use crate::Hop;
use crate::connection::Turn;

/// From 2^53 on, JavaScript's numbers are no longer exact integers.
const EXACT_INTEGERS: i64 = 1 << 53;

/// What D1 says when nobody knows whether a batch was written.
const LOST: &str = "D1_ERROR: Network connection lost.";

/// What D1 says when there is no room for a write.
const FULL: &str = "D1_ERROR: Exceeded maximum DB size";

/// The SQL whose plan a test has seen.
static REGISTERED: LazyLock<BTreeSet<String>> =
    LazyLock::new(|| store::registry::statements().into_iter().map(|(_, sql)| sql).collect());

/// What a database had to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Batches that arrived, whether they were written or rolled back.
    pub batches: u64,
    /// Statements of those batches.
    pub statements: u64,
    /// Rows inserted, changed and deleted by batches that were written, triggers included and
    /// indexes not.
    pub rows_written: u64,
}

/// A database with the schema of production.
#[derive(Debug)]
pub struct Database {
    connection: Turn,
    hop: Hop,
    counts: Cell<Counts>,
    texts: RefCell<BTreeSet<Cow<'static, str>>>,
    /// Where the texts are that were seen and do not change: comparing those takes longer than to run some.
    seen: RefCell<HashSet<*const str>>,
    is_nearly_full: Cell<bool>,
    is_closed: Cell<bool>,
}

impl Database {
    /// An empty database in memory.
    ///
    /// # Panics
    /// When a migration fails.
    #[expect(clippy::new_without_default, reason = "a default that runs migrations would surprise")]
    pub fn new() -> Self {
        Self::with("")
    }

    /// An empty database in memory, with temporary tables and triggers that a script makes.
    ///
    /// # Panics
    /// When a migration or the script fails.
    pub fn with(temporary: &'static str) -> Self {
        Self::over(Turn::in_memory(temporary))
    }

    /// The database in a file, which is made if there is none; migrations run only then.
    ///
    /// # Panics
    /// When the file is no database, or a migration fails.
    pub fn open(path: &Path) -> Self {
        Self::over(Turn::in_file(path))
    }

    fn over(connection: Turn) -> Self {
        Self {
            connection,
            hop: Hop::default(),
            counts: Cell::default(),
            texts: RefCell::default(),
            seen: RefCell::default(),
            is_nearly_full: Cell::new(false),
            is_closed: Cell::new(false),
        }
    }

    /// The hook in every batch.
    pub fn hop(&self) -> &Hop {
        &self.hop
    }

    /// Decides whether room is left only for what becomes of payments that have begun.
    pub fn keep_room(&self, keeps: bool) {
        self.is_nearly_full.set(keeps);
    }

    /// Decides whether no money may begin to move, as while the database is restored.
    pub fn close(&self, closes: bool) {
        self.keep_room(closes);
        self.is_closed.set(closes);
    }

    /// Whether no money may begin to move.
    pub fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// Whether room is left only for what becomes of payments that have begun.
    pub fn is_nearly_full(&self) -> bool {
        self.is_nearly_full.get()
    }

    /// Fills a database in a file up, or makes room in it: from then on it grows by so many pages and no more.
    pub fn leave_pages(&self, pages: i64) {
        let count = self.query("PRAGMA page_count", vec![]);
        let count = count[0].integer("page_count").expect("a number");
        self.query(&format!("PRAGMA max_page_count = {}", count + pages), vec![]);
    }

    /// What was done since the last call of this function, or ever.
    pub fn take_counts(&self) -> Counts {
        self.counts.take()
    }

    /// The SQL of batches that [`store::registry`] does not name, so whose plan no test has seen.
    pub fn unregistered(&self) -> Vec<String> {
        let is_stray = |sql: &&Cow<'static, str>| !REGISTERED.contains(sql.as_ref());
        self.texts.borrow().iter().filter(is_stray).map(|sql| sql.clone().into_owned()).collect()
    }

    /// Runs one statement at once, uncounted and without faults: for what a test sets up and looks at.
    ///
    /// # Panics
    /// When SQLite refuses it.
    pub fn query(&self, sql: &str, values: Vec<Value>) -> Vec<Row> {
        if sql.starts_with("PRAGMA") {
            self.connection.keep();
        }
        self.run(sql, &values).unwrap_or_else(|error| panic!("{error}, in: {sql}")).0
    }

    /// How SQLite would run a statement: one line for each step.
    ///
    /// # Panics
    /// When it is no statement.
    pub fn plan(&self, sql: &str) -> Vec<String> {
        let mut statement = self
            .connection
            .prepare(&format!("EXPLAIN QUERY PLAN {}", store::hide_values(sql)))
            .unwrap_or_else(|error| panic!("{error}, in: {sql}"));
        let steps = statement.raw_query().mapped(|row| row.get("detail"));
        steps.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{error}, in: {sql}"))
    }

    /// How often SQLite prepares a statement anew that runs a second time, cleared of its values as workerd does it.
    ///
    /// # Panics
    /// When it is no statement.
    pub fn prepares_anew(&self, sql: &str) -> i32 {
        let independent = |is_so| {
            let setting = DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG;
            self.connection.set_db_config(setting, is_so).expect("SQLite knows the setting");
        };
        independent(false);
        let mut statement = self
            .connection
            .prepare(&store::hide_values(sql))
            .unwrap_or_else(|error| panic!("{error}, in: {sql}"));
        for _ in 0..2 {
            statement.clear_bindings();
            // What has no values may be refused, once it has begun.
            let mut rows = statement.raw_query();
            while let Ok(Some(_)) = rows.next() {}
        }
        let count = statement.get_status(StatementStatus::RePrepare);
        independent(true);
        count
    }

    /// How many steps SQLite's machine takes to run a statement: its cost, without a clock.
    ///
    /// # Panics
    /// When SQLite refuses it.
    pub fn cost(&self, sql: &str, values: &[Value]) -> i32 {
        let cost = || -> rusqlite::Result<i32> {
            let mut statement = self.connection.prepare(&store::hide_values(sql))?;
            let mut rows = statement.query(params_from_iter(values.iter().map(Bound)))?;
            while rows.next()?.is_some() {}
            drop(rows);
            Ok(statement.get_status(StatementStatus::VmStep))
        };
        cost().unwrap_or_else(|error| panic!("{error}, in: {sql}"))
    }

    /// Runs a batch at once and without faults: for a platform that has hooks of its own.
    ///
    /// # Errors
    /// When SQLite refuses a statement; nothing is written then.
    pub fn run_batch(&self, statements: &[Statement]) -> Result<Vec<Rows>, DatabaseError> {
        let mut counts = self.counts.get();
        counts.batches += 1;
        counts.statements += statements.len() as u64;
        self.counts.set(counts);
        self.remember(statements);
        let changes = self.connection.total_changes();
        let begun = Cell::new(false);
        let results = statements
            .iter()
            .map(|statement| self.run_within(&begun, &statement.sql, &statement.values))
            .collect::<Result<Vec<_>, _>>();
        // One that is full may have rolled everything back by itself.
        if !begun.get() || results.is_err() && self.connection.is_autocommit() {
            return results;
        }
        if results.is_err() {
            self.run("ROLLBACK TO batch", &[])?;
        }
        self.run("RELEASE batch", &[])?;
        if results.is_ok() {
            counts.rows_written += self.connection.total_changes() - changes;
            self.counts.set(counts);
        }
        results
    }

    fn remember(&self, statements: &[Statement]) {
        let mut texts = self.texts.borrow_mut();
        let mut seen = self.seen.borrow_mut();
        for Statement { sql, .. } in statements {
            if let Cow::Borrowed(sql) = sql
                && !seen.insert(std::ptr::from_ref::<str>(sql))
            {
                continue;
            }
            if !texts.contains(sql.as_ref()) {
                texts.insert(sql.clone());
            }
        }
    }

    fn run(&self, sql: &str, values: &[Value]) -> Result<Rows, DatabaseError> {
        self.run_within(&Cell::new(true), sql, values)
    }

    /// Runs a statement of a batch, which begins with the first that may write: most batches only read.
    fn run_within(
        &self,
        begun: &Cell<bool>,
        sql: &str,
        values: &[Value],
    ) -> Result<Rows, DatabaseError> {
        for value in values {
            if let Value::Integer(number) = value {
                exact(*number)?;
            }
        }
        let mut statement = self.connection.prepare_cached(sql).map_err(told)?;
        if !begun.get() && !statement.readonly() {
            self.run("SAVEPOINT batch", &[])?;
            begun.set(true);
        }
        let count = statement.column_count();
        let mut found =
            statement.query(params_from_iter(values.iter().map(Bound))).map_err(told)?;
        let mut rows = Rows::default();
        while let Some(row) = found.next().map_err(told)? {
            let mut fields = serde_json::Map::new();
            for place in 0..count {
                let column = row.as_ref().column_name(place).map_err(told)?.to_owned();
                fields.insert(column, field(row.get_ref(place).map_err(told)?)?);
            }
            rows.0.push(Row(fields));
        }
        Ok(rows)
    }
}

impl store::Database for Database {
    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        let lost = || DatabaseError::from_message(LOST);
        self.hop.make(|| self.run_batch(&statements), lost).await
    }
}

/// A value as D1 binds it.
struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    #[expect(clippy::cast_precision_loss, reason = "larger integers were refused before")]
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(number) => ValueRef::Real(*number as f64),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// A field of a row, as JSON. A REAL stays one, so that a query that lost an integer shows.
fn field(value: ValueRef<'_>) -> Result<serde_json::Value, DatabaseError> {
    Ok(match value {
        ValueRef::Null => serde_json::Value::Null,
        ValueRef::Integer(number) => exact(number)?.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => text.into(),
            Err(_) => String::from_utf8_lossy(text).into(),
        },
        ValueRef::Blob(_) => return Err(refused("no column of Florin's holds bytes")),
    })
}

/// An integer that D1 would carry without rounding it.
fn exact(number: i64) -> Result<i64, DatabaseError> {
    if (-EXACT_INTEGERS + 1..EXACT_INTEGERS).contains(&number) {
        Ok(number)
    } else {
        Err(refused(&format!("{number} is too large for D1, which would round it")))
    }
}

fn refused(problem: &str) -> DatabaseError {
    DatabaseError::Refused(problem.to_owned())
}

/// What D1 would say of an error, read as production reads it.
fn told(error: rusqlite::Error) -> DatabaseError {
    let message = match &error {
        rusqlite::Error::SqliteFailure(code, _) if code.code == rusqlite::ErrorCode::DiskFull => {
            FULL.to_owned()
        }
        rusqlite::Error::SqliteFailure(code, text) => {
            let kind = match code.code {
                rusqlite::ErrorCode::ConstraintViolation => "SQLITE_CONSTRAINT",
                rusqlite::ErrorCode::TypeMismatch => "SQLITE_MISMATCH",
                rusqlite::ErrorCode::TooBig => "SQLITE_TOOBIG",
                _ => "SQLITE_ERROR",
            };
            format!("D1_ERROR: {}: {kind}", text.as_deref().unwrap_or_default())
        }
        rusqlite::Error::SqlInputError { msg, offset, .. } => {
            format!("D1_ERROR: {msg} at offset {offset}: SQLITE_ERROR")
        }
        rusqlite::Error::InvalidParameterCount(..) => {
            "D1_ERROR: Wrong number of parameter bindings for SQL query.".to_owned()
        }
        other => return refused(&other.to_string()),
    };
    DatabaseError::from_message(&message)
}
