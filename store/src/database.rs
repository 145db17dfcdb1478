//! The port to the database: statements in, rows out, one transaction a batch.

use std::borrow::Cow;

use domain::id::AccountId;
use domain::money::{Amount, Money, SignedAmount};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value bound to a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// SQL's NULL.
    Null,
    /// An integer below 2^53: beyond, D1 would round it.
    Integer(i64),
    /// A text.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Integer(i64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Values for the parameters of a statement, in their order.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::Value::from($value)),*] };
}

/// A statement with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The SQL text, with `?1`, `?2`, ... for the values.
    pub sql: Cow<'static, str>,
    /// The values.
    pub values: Vec<Value>,
}

impl Statement {
    /// A statement with its values.
    pub fn new(sql: impl Into<Cow<'static, str>>, values: Vec<Value>) -> Self {
        Self { sql: sql.into(), values }
    }
}

/// The text of a statement as D1 gets it: each value behind a sign, which changes nothing but that SQLite does not look at the
/// value while it plans. Where it looked, it would prepare the statement anew whenever its values were cleared, and
/// workerd clears them after each run (`sqlite3ExprIsInteger` and `sqlite3_clear_bindings` in SQLite 3.54.1).
pub fn hide_values(sql: &str) -> String {
    sql.replace('?', "+?")
}

/// Whose rows: every query names the account and the mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The merchant.
    pub account: AccountId,
    /// Whether it is about real money.
    pub livemode: bool,
}

/// Why a batch did not run, or may not have run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// A guard did not hold; nothing was written.
    #[error("the guard {0} did not hold")]
    Guard(String),
    /// A row with that key exists; nothing was written.
    #[error("a row exists already: {0}")]
    Exists(String),
    /// The database refused for another reason; nothing was written.
    #[error("the database refused: {0}")]
    Refused(String),
    /// Nobody knows whether it was written.
    #[error("the database did not answer: {0}")]
    Unknown(String),
    /// A row says what no code of ours wrote.
    #[error(transparent)]
    Inconsistent(#[from] Inconsistent),
}

impl DatabaseError {
    /// Reads the database's own words.
    pub fn from_message(message: &str) -> Self {
        if let Some((_, rest)) = message.split_once("guard:") {
            let name = rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next();
            return Self::Guard(name.unwrap_or_default().to_owned());
        }
        if message.contains("UNIQUE constraint failed") {
            return Self::Exists(message.to_owned());
        }
        let refusals = [
            "constraint failed",
            "syntax error",
            "no such",
            "SQLITE_CONSTRAINT",
            "SQLITE_ERROR",
            "SQLITE_MISMATCH",
            "SQLITE_TOOBIG",
            "D1_TYPE_ERROR",
            "Wrong number of parameter bindings",
            "append-only",
        ];
        if refusals.iter().any(|refusal| message.contains(refusal)) {
            return Self::Refused(message.to_owned());
        }
        Self::Unknown(message.to_owned())
    }
}

/// A row that says what no code of ours wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the column {column} of a row holds what it cannot hold: {problem}")]
pub struct Inconsistent {
    /// The column.
    pub column: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

/// The database, as units of work see it.
#[expect(async_fn_in_trait, reason = "Platform futures stay on one thread")]
pub trait Database {
    /// Runs the statements as one transaction: all of them, or none.
    ///
    /// # Errors
    /// When a guard or constraint does not hold, or the database cannot be reached.
    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError>;
}

/// The rows that one statement found.
#[derive(Clone, Debug, Default)]
pub struct Rows(pub Vec<Row>);

impl Rows {
    /// The first row, if there is one.
    pub fn first(&self) -> Option<&Row> {
        self.0.first()
    }
}

/// One row, by the names of its columns.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row(pub serde_json::Map<String, serde_json::Value>);

impl Row {
    /// A text.
    ///
    /// # Errors
    /// When the column holds something else.
    pub fn text(&self, column: &'static str) -> Result<&str, Inconsistent> {
        self.optional_text(column)?
            .ok_or_else(|| Inconsistent { column, problem: "it is empty".to_owned() })
    }

    /// A text, or NULL.
    ///
    /// # Errors
    /// When the column holds something else.
    pub fn optional_text(&self, column: &'static str) -> Result<Option<&str>, Inconsistent> {
        match self.0.get(column) {
            None | Some(serde_json::Value::Null) => Ok(None),
            Some(serde_json::Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Inconsistent { column, problem: "it is no text".to_owned() }),
        }
    }

    /// An integer.
    ///
    /// # Errors
    /// When the column holds something else.
    pub fn integer(&self, column: &'static str) -> Result<i64, Inconsistent> {
        self.optional_integer(column)?
            .ok_or_else(|| Inconsistent { column, problem: "it is empty".to_owned() })
    }

    /// An integer, or NULL.
    ///
    /// # Errors
    /// When the column holds something else.
    pub fn optional_integer(&self, column: &'static str) -> Result<Option<i64>, Inconsistent> {
        match self.0.get(column) {
            None | Some(serde_json::Value::Null) => Ok(None),
            Some(value) => value
                .as_i64()
                .map(Some)
                .ok_or_else(|| Inconsistent { column, problem: "it is no integer".to_owned() }),
        }
    }

    /// A flag, kept as 0 or 1.
    ///
    /// # Errors
    /// When the column holds something else.
    pub fn flag(&self, column: &'static str) -> Result<bool, Inconsistent> {
        match self.integer(column)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(Inconsistent { column, problem: format!("{other} is no flag") }),
        }
    }

    /// An amount of minor units.
    ///
    /// # Errors
    /// When the column holds what is no amount.
    pub fn amount(&self, column: &'static str) -> Result<Amount, Inconsistent> {
        Amount::new(self.integer(column)?)
            .map_err(|error| Inconsistent { column, problem: error.to_string() })
    }

    /// An amount of minor units that can be negative.
    ///
    /// # Errors
    /// When the column holds what is no such amount.
    pub fn signed_amount(&self, column: &'static str) -> Result<SignedAmount, Inconsistent> {
        SignedAmount::new(self.integer(column)?)
            .map_err(|error| Inconsistent { column, problem: error.to_string() })
    }

    /// The money in the columns `amount` and `currency`.
    ///
    /// # Errors
    /// When they hold no money.
    pub fn money(&self) -> Result<Money, Inconsistent> {
        Ok(Money { amount: self.amount("amount")?, currency: self.named("currency")? })
    }

    /// A value kept as its name in the API.
    ///
    /// # Errors
    /// When the column holds no such name.
    pub fn named<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, Inconsistent> {
        let name = serde_json::Value::String(self.text(column)?.to_owned());
        domain::kept::from_value(name)
            .map_err(|error| Inconsistent { column, problem: error.to_string() })
    }

    /// A value kept as its name in the API, or NULL.
    ///
    /// # Errors
    /// When the column holds no such name.
    pub fn optional_named<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, Inconsistent> {
        match self.optional_text(column)? {
            Some(_) => self.named(column).map(Some),
            None => Ok(None),
        }
    }

    /// A value kept as JSON.
    ///
    /// # Errors
    /// When the column holds other JSON.
    pub fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, Inconsistent> {
        domain::kept::from_text(self.text(column)?)
            .map_err(|error| Inconsistent { column, problem: error.to_string() })
    }
}

/// A value as the JSON text that a `details` column keeps.
pub fn json<T: Serialize>(value: &T) -> String {
    // Only plain structs with text keys are kept so, for which this cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}
