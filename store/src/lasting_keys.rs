//! The keys that outlive master keys, sealed.

use crate::{Statement, values};

pub(crate) const FIND: &str = "SELECT name, sealed FROM lasting_keys WHERE name > '' ORDER BY name";

pub(crate) const INSERT: &str =
    "INSERT INTO lasting_keys (name, sealed) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

/// Finds every one: its name, and itself sealed.
pub fn find() -> Statement {
    Statement::new(FIND, values![])
}

/// Keeps one, unless it is kept already.
pub fn insert(name: &str, sealed: &str) -> Statement {
    Statement::new(INSERT, values![name, sealed])
}
