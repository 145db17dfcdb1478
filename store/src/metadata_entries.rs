//! Metadata as rows of their own, so that objects are found by it.

use domain::Metadata;
use domain::timestamp::Timestamp;

use crate::{Scope, Statement, values};

pub(crate) const INSERT: &str = "\
    INSERT INTO metadata_entries (account, livemode, resource, key, value, created, object) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

pub(crate) const DELETE: &str = "\
    DELETE FROM metadata_entries WHERE account = ?1 AND livemode = ?2 AND resource = ?3 \
    AND key = ?4 AND value = ?5 AND created = ?6 AND object = ?7";

/// Whose metadata it is.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// The kind of object, as `payment_intent`.
    pub resource: &'static str,
    /// The object.
    pub object: &'a str,
    /// When the object was made.
    pub created: Timestamp,
}

/// The statements that bring the rows of an object from its old metadata to its new.
pub fn replace(scope: &Scope, owner: Owner<'_>, old: &Metadata, new: &Metadata) -> Vec<Statement> {
    let row = |sql: &'static str, key: &str, value: &str| {
        Statement::new(
            sql,
            values![
                scope.account.as_str(),
                scope.livemode,
                owner.resource,
                key,
                value,
                owner.created.seconds(),
                owner.object,
            ],
        )
    };
    let gone = old.iter().filter(|pair| !new.iter().any(|other| other == *pair));
    let added = new.iter().filter(|pair| !old.iter().any(|other| other == *pair));
    gone.map(|(key, value)| row(DELETE, key, value))
        .chain(added.map(|(key, value)| row(INSERT, key, value)))
        .collect()
}
