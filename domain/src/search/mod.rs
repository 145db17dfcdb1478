//! Stripe's search query language: clauses of a field, an operator and a value, joined by all AND or
//! all OR.
//!
//! A parsed [`Query`] is typed and canonical: numbers are numbers, and texts that compare without
//! regard to case are folded already. Whether an object matches is decided here alone, so that an
//! answer never depends on the index that its rows were found by.
//!
//! Source: <https://docs.stripe.com/search>. Where it leaves a choice, `docs/search.md` says ours.

mod field;
mod matching;
mod parse;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::letter_case::small;

pub use field::{Field, Searched};
pub use matching::{Searchable, Value};

/// The most clauses in one query.
pub const MAX_CLAUSES: usize = 10;

/// What is searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// How many of the clauses have to hold.
    pub join: Join,
    /// 1 to [`MAX_CLAUSES`] clauses.
    pub clauses: Vec<Clause>,
}

/// How many clauses of a query have to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// Every one of them (`AND`); also where there is only one.
    All,
    /// At least one of them (`OR`).
    Any,
}

/// One condition on one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// Whether the condition must not hold.
    pub negated: bool,
    /// What is looked at.
    pub field: Field,
    /// What is asked of it.
    pub condition: Condition,
}

/// What is asked of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It has no value.
    Absent,
    /// It is this text.
    Is(String),
    /// It contains this text.
    Contains(String),
    /// It is a number that compares so.
    Compares(Comparison, i64),
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The field is the same.
    Equal,
    /// The field is greater.
    Greater,
    /// The field is greater, or the same.
    GreaterOrEqual,
    /// The field is less.
    Less,
    /// The field is less, or the same.
    LessOrEqual,
}

/// A text without regard to case: each character on its own, so that a part of a text folds as it
/// does within the whole.
pub fn fold(text: &str) -> String {
    text.chars().map(small).collect()
}

impl fmt::Display for Query {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = match self.join {
            Join::All => " AND ",
            Join::Any => " OR ",
        };
        for (place, clause) in self.clauses.iter().enumerate() {
            if place > 0 {
                formatter.write_str(join)?;
            }
            clause.fmt(formatter)?;
        }
        Ok(())
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negated { "-" } else { "" };
        write!(formatter, "{sign}{}", self.field)?;
        match &self.condition {
            Condition::Absent => formatter.write_str(":null"),
            Condition::Is(text) => write!(formatter, ":{}", quoted(text)),
            Condition::Contains(text) => write!(formatter, "~{}", quoted(text)),
            Condition::Compares(comparison, number) => {
                write!(formatter, "{}{number}", comparison.operator())
            }
        }
    }
}

impl Comparison {
    fn operator(self) -> &'static str {
        match self {
            Self::Equal => ":",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
        }
    }
}

/// A text in quotation marks, with those within it escaped.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
