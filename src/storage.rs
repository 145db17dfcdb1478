//! Reading what a Durable Object keeps.
//!
//! It is read as JavaScript has it: serde's reader of JavaScript's values weighs more than all that is read.

use serde::de::DeserializeOwned;
use worker::{Result, SqlCursor, SqlStorageValue, Storage};

/// Reads what an object keeps as JSON, or is asked with.
///
/// # Errors
/// When it is not that.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    domain::kept::from_text(text).map_err(|error| error.to_string().into())
}

/// The text that an object keeps under a name.
///
/// # Errors
/// When its storage fails.
pub async fn text(storage: &Storage, name: &'static str) -> Result<Option<String>> {
    Ok(storage.get_multiple(vec![name]).await?.get(&name.into()).as_string())
}

/// The first value of the first row that a statement found.
///
/// # Errors
/// When the object's database fails.
pub fn first(found: &SqlCursor) -> Result<Option<SqlStorageValue>> {
    // All are read, so that no statement stays open.
    let rows: Vec<_> = found.raw().collect::<Result<_>>()?;
    Ok(rows.into_iter().flatten().next())
}
