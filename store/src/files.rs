//! Files.

use domain::file::File;

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, values};

pub(crate) const INSERT: &str = "\
    INSERT INTO files (id, account, livemode, created, purpose, details, parts) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

pub(crate) const FIND: &str =
    "SELECT * FROM files WHERE id = ?1 AND account = ?2 AND livemode = ?3";

/// Writes a new file, with the names of the objects that it is made of.
pub fn insert(scope: &Scope, file: &File, parts: &[String]) -> Statement {
    Statement::new(
        INSERT,
        values![
            file.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            file.created.seconds(),
            File::PURPOSE,
            json(file),
            json(&parts),
        ],
    )
}

/// Finds a file.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

impl TryFrom<&Row> for File {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        row.json("details")
    }
}

/// A file, and the objects that it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// The file.
    pub file: File,
    /// The names of the objects, in order.
    pub parts: Vec<String>,
}

impl TryFrom<&Row> for Contents {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self { file: File::try_from(row)?, parts: row.json("parts")? })
    }
}
