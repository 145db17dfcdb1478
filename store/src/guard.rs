//! Guards: statements that hold or take their whole batch down with them.
//!
//! Each inserts into the view `guard`, whose trigger raises `guard:<name>` when `held` is 0; no row
//! is ever written. The error names the guard that failed.

use crate::{Statement, values};

/// Holds when the statement right before it changed exactly one row.
pub const CHANGED_ONE: &str = "INSERT INTO guard SELECT changes() = 1, ?1";

/// The statement right before this one must have changed exactly one row.
pub fn changed_one(name: &'static str) -> Statement {
    Statement::new(CHANGED_ONE, values![name])
}

/// Holds when the statement right before it changed any row.
pub const CHANGED_SOME: &str = "INSERT INTO guard SELECT changes() > 0, ?1";

/// The statement right before this one must have changed a row, and may have changed several.
pub fn changed_some(name: &'static str) -> Statement {
    Statement::new(CHANGED_SOME, values![name])
}
