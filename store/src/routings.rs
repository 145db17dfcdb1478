//! Routing documents: where a merchant's payments go, version by version.

use domain::routing::Routing;
use domain::timestamp::Timestamp;

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, values};

pub(crate) const INSERT: &str = "\
    INSERT INTO routings (id, account, livemode, created, version, document) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

pub(crate) const FIND: &str =
    "SELECT * FROM routings WHERE id = ?1 AND account = ?2 AND livemode = ?3";

pub(crate) const FIND_CURRENT: &str = "\
    SELECT * FROM routings WHERE account = ?1 AND livemode = ?2 ORDER BY version DESC LIMIT 1";

pub(crate) const VERSION: &str = "\
    SELECT version FROM routings WHERE account = ?1 AND livemode = ?2 ORDER BY version DESC LIMIT 1";

/// Writes a new version, unless somebody else has written it.
pub fn insert(scope: &Scope, routing: &Routing) -> Statement {
    Statement::new(
        INSERT,
        values![
            routing.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            routing.created.seconds(),
            routing.version,
            json(&routing.document),
        ],
    )
}

/// Finds a version by its id.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

/// Finds the newest version, which counts.
pub fn find_current(scope: &Scope) -> Statement {
    Statement::new(FIND_CURRENT, values![scope.account.as_str(), scope.livemode])
}

/// The number of the newest version.
pub fn version(scope: &Scope) -> Statement {
    Statement::new(VERSION, values![scope.account.as_str(), scope.livemode])
}

impl TryFrom<&Row> for Routing {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named("id")?,
            livemode: row.flag("livemode")?,
            created: Timestamp(row.integer("created")?),
            version: row.integer("version")?,
            document: row.json("document")?,
        })
    }
}
