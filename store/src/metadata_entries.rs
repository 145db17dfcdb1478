//! Metadata as rows of their own, so that objects are found by it.
//!
//! A row holds the value without regard to case, as searches compare it; the object's own row holds
//! it as it was given.

use domain::Metadata;
use domain::search::fold;
use domain::timestamp::Timestamp;

use crate::{Scope, Statement, values};

/// The sequence of the object, whose table is called as its kind in the plural. The object has to be
/// there: without it the row has no sequence, and its batch fails.
fn sequence(resource: &str) -> String {
    format!("(SELECT sequence FROM {resource}s WHERE id = ?6 AND account = ?1 AND livemode = ?2)")
}

pub(crate) fn insert_sql(resource: &str) -> String {
    format!(
        "INSERT INTO metadata_entries (account, livemode, resource, key, value, created, sequence) \
         VALUES (?1, ?2, '{resource}', ?3, ?4, ?5, {})",
        sequence(resource)
    )
}

pub(crate) fn delete_sql(resource: &str) -> String {
    format!(
        "DELETE FROM metadata_entries WHERE account = ?1 AND livemode = ?2 \
         AND resource = '{resource}' AND key = ?3 AND value = ?4 AND created = ?5 AND sequence = {}",
        sequence(resource)
    )
}

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

/// The statements that bring the rows of an object from its old metadata to its new. They come after
/// the statement that inserts the object.
pub fn replace(scope: &Scope, owner: Owner<'_>, old: &Metadata, new: &Metadata) -> Vec<Statement> {
    let row = |sql: fn(&str) -> String, key: &str, value: &str| {
        Statement::new(
            sql(owner.resource),
            values![
                scope.account.as_str(),
                scope.livemode,
                key,
                fold(value),
                owner.created.seconds(),
                owner.object,
            ],
        )
    };
    let gone = old.iter().filter(|pair| !new.iter().any(|other| other == *pair));
    let added = new.iter().filter(|pair| !old.iter().any(|other| other == *pair));
    gone.map(|(key, value)| row(delete_sql, key, value))
        .chain(added.map(|(key, value)| row(insert_sql, key, value)))
        .collect()
}
