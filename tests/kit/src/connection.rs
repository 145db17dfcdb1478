//! Connections to databases in memory, which the tests of a process take turns with.
//!
//! Running the migrations and parsing statements takes far longer than most tests do themselves. So
//! each connection is migrated once, and whoever has it works in one transaction that is rolled back
//! afterwards: the rows are gone, and so is what was done to the schema, temporary tables included;
//! what was prepared stays. What is written within counts as a batch by way of savepoints, and no
//! constraint of the schema waits for the end of a transaction, so nobody notices the outer one.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;

/// More statements than Florin and its tests have.
const STATEMENTS: usize = 2_000;

/// Connections whose turn is over, by what is temporary in them.
static IDLE: Mutex<BTreeMap<&str, Vec<Connection>>> = Mutex::new(BTreeMap::new());

/// A connection to a database of one's own.
#[derive(Debug)]
pub struct Turn {
    /// There until the turn is over.
    connection: Option<Connection>,
    temporary: &'static str,
    /// Whether someone else may have it afterwards.
    is_lent: Cell<bool>,
}

impl Turn {
    /// A turn with an empty database in memory, migrated, in which a script made temporary tables and
    /// triggers. That is done before the turn, because whenever it is undone all is parsed anew.
    pub fn in_memory(temporary: &'static str) -> Self {
        let connection = idle().get_mut(temporary).and_then(Vec::pop).unwrap_or_else(|| {
            let memory = Connection::open_in_memory().expect("SQLite opens a database in memory");
            set_up(&memory);
            migrate(&memory);
            memory.execute_batch(temporary).unwrap_or_else(|error| panic!("{error}: {temporary}"));
            memory
        });
        connection.execute_batch("BEGIN").expect("nothing has begun");
        Self { connection: Some(connection), temporary, is_lent: Cell::new(true) }
    }

    /// The database in a file, which is made if there is none; migrations run only then.
    pub fn in_file(path: &Path) -> Self {
        let file = Connection::open(path).expect("SQLite opens the file");
        set_up(&file);
        let tables = "SELECT count(*) FROM sqlite_schema";
        let count: u32 = file.query_row(tables, [], |row| row.get(0)).expect("it is a database");
        if count == 0 {
            migrate(&file);
        }
        Self { connection: Some(file), temporary: "", is_lent: Cell::new(false) }
    }

    /// Keeps the connection from the next test: a setting was changed, which no rollback restores.
    pub fn keep(&self) {
        self.is_lent.set(false);
    }
}

impl Deref for Turn {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("it is there until the turn is over")
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take().filter(|_| self.is_lent.get()) else {
            return;
        };
        // A connection that lost its transaction has kept something of this turn.
        if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_ok() {
            idle().entry(self.temporary).or_default().push(connection);
        }
    }
}

fn idle() -> MutexGuard<'static, BTreeMap<&'static str, Vec<Connection>>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets workerd's limits and D1's settings.
fn set_up(connection: &Connection) {
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
    // A plan that depends on what is bound would have to be made anew each time.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .expect("SQLite knows the setting");
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
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
