//! How far the development clock runs ahead of the real one.

use crate::{Statement, values};

pub(crate) const FIND: &str = "SELECT ahead_seconds FROM development_clock WHERE id = 1";

pub(crate) const ADVANCE: &str = "\
    INSERT INTO development_clock (id, ahead_seconds) VALUES (1, ?1) \
    ON CONFLICT (id) DO UPDATE SET ahead_seconds = ahead_seconds + CAST(?1 AS INTEGER)";

/// Finds how many seconds it runs ahead (column `ahead_seconds`; no row for none).
pub fn find() -> Statement {
    Statement::new(FIND, values![])
}

/// Moves it on by seconds.
pub fn advance(seconds: i64) -> Statement {
    Statement::new(ADVANCE, values![seconds])
}
