//! The database on SQLite, under D1's rules.
//!
//! Integers are bound as REAL, because JavaScript has no other numbers; the limits are workerd's
//! (its `sqlite.c++`); an error is told in D1's words and read as production reads it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::limits::Limit;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, StatementStatus, ToSql, params_from_iter};
use store::{DatabaseError, Row, Rows, Statement, Value};

use crate::Hop;

/// From 2^53 on, JavaScript's numbers are no longer exact integers.
const EXACT_INTEGERS: i64 = 1 << 53;

/// What D1 says when nobody knows whether a batch was written.
const LOST: &str = "D1_ERROR: Network connection lost.";

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
    connection: Connection,
    hop: Hop,
    counts: Cell<Counts>,
    texts: RefCell<BTreeSet<String>>,
}

impl Database {
    /// An empty database in memory.
    ///
    /// # Panics
    /// When a migration fails.
    #[expect(clippy::new_without_default, reason = "a default that runs migrations would surprise")]
    pub fn new() -> Self {
        let connection = Connection::open_in_memory().expect("SQLite opens a database in memory");
        let database = Self::over(connection);
        migrate(&database.connection);
        database
    }

    /// The database in a file, which is made if there is none; migrations run only then.
    ///
    /// # Panics
    /// When the file is no database, or a migration fails.
    pub fn open(path: &Path) -> Self {
        let database = Self::over(Connection::open(path).expect("SQLite opens the file"));
        if database.query("SELECT name FROM sqlite_schema LIMIT 1", vec![]).is_empty() {
            migrate(&database.connection);
        }
        database
    }

    fn over(connection: Connection) -> Self {
        limit(&connection);
        Self { connection, hop: Hop::default(), counts: Cell::default(), texts: RefCell::default() }
    }

    /// The hook in every batch.
    pub fn hop(&self) -> &Hop {
        &self.hop
    }

    /// What was done since the last call of this function, or ever.
    pub fn take_counts(&self) -> Counts {
        self.counts.take()
    }

    /// The SQL of batches that [`store::registry`] does not name, so whose plan no test has seen.
    pub fn unregistered(&self) -> Vec<String> {
        let registered: BTreeSet<String> =
            store::registry::statements().into_iter().map(|(_, sql)| sql).collect();
        self.texts.borrow().difference(&registered).cloned().collect()
    }

    /// Runs one statement at once, uncounted and without faults: for what a test sets up and looks at.
    ///
    /// # Panics
    /// When SQLite refuses it.
    pub fn query(&self, sql: &str, values: Vec<Value>) -> Vec<Row> {
        self.run(sql, &values).unwrap_or_else(|error| panic!("{error}, in: {sql}")).0
    }

    /// How SQLite would run a statement: one line for each step.
    ///
    /// # Panics
    /// When it is no statement.
    pub fn plan(&self, sql: &str) -> Vec<String> {
        let mut statement = self
            .connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap_or_else(|error| panic!("{error}, in: {sql}"));
        let steps = statement.raw_query().mapped(|row| row.get("detail"));
        steps.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{error}, in: {sql}"))
    }

    /// How many steps SQLite's machine takes to run a statement: its cost, without a clock.
    ///
    /// # Panics
    /// When SQLite refuses it.
    pub fn cost(&self, sql: &str, values: &[Value]) -> i32 {
        let cost = || -> rusqlite::Result<i32> {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query(params_from_iter(values.iter().map(Bound)))?;
            while rows.next()?.is_some() {}
            drop(rows);
            Ok(statement.get_status(StatementStatus::VmStep))
        };
        cost().unwrap_or_else(|error| panic!("{error}, in: {sql}"))
    }

    fn run_batch(&self, statements: &[Statement]) -> Result<Vec<Rows>, DatabaseError> {
        let mut counts = self.counts.get();
        counts.batches += 1;
        counts.statements += statements.len() as u64;
        self.counts.set(counts);
        self.texts
            .borrow_mut()
            .extend(statements.iter().map(|statement| statement.sql.clone().into_owned()));
        let changes = self.connection.total_changes();
        // A transaction that is dropped rolls back.
        let transaction = self.connection.unchecked_transaction().map_err(told)?;
        let results = statements
            .iter()
            .map(|statement| self.run(&statement.sql, &statement.values))
            .collect::<Result<Vec<_>, _>>()?;
        transaction.commit().map_err(told)?;
        counts.rows_written += self.connection.total_changes() - changes;
        self.counts.set(counts);
        Ok(results)
    }

    fn run(&self, sql: &str, values: &[Value]) -> Result<Rows, DatabaseError> {
        for value in values {
            if let Value::Integer(number) = value {
                exact(*number)?;
            }
        }
        let mut statement = self.connection.prepare_cached(sql).map_err(told)?;
        let columns: Vec<String> =
            statement.column_names().into_iter().map(str::to_owned).collect();
        let mut found =
            statement.query(params_from_iter(values.iter().map(Bound))).map_err(told)?;
        let mut rows = Rows::default();
        while let Some(row) = found.next().map_err(told)? {
            let mut fields = serde_json::Map::new();
            for (place, column) in columns.iter().enumerate() {
                let value = row.get_ref(place).map_err(told)?;
                fields.insert(column.clone(), field(value)?);
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

/// Sets workerd's limits and D1's settings.
fn limit(connection: &Connection) {
    let limits = [
        (Limit::SQLITE_LIMIT_LENGTH, 2_200_000),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
        (Limit::SQLITE_LIMIT_COLUMN, 100),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 5),
        (Limit::SQLITE_LIMIT_VDBE_OP, 25_000),
        (Limit::SQLITE_LIMIT_FUNCTION_ARG, 127),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 100),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 10),
    ];
    for (limit, value) in limits {
        connection.set_limit(limit, value).expect("SQLite knows the limit");
    }
    connection
        .execute_batch("PRAGMA foreign_keys = 1; PRAGMA recursive_triggers = 0;")
        .expect("SQLite knows the settings");
}

/// Runs every migration, in order.
fn migrate(connection: &Connection) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the migrations are beside the tests")
        .map(|entry| entry.expect("the folder is readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    files.sort();
    for file in files {
        let sql = std::fs::read_to_string(&file).expect("the migration is readable");
        connection
            .execute_batch(&sql)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
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
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
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
