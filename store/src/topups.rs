//! Top-ups.

use domain::timestamp::Timestamp;
use domain::topup::Topup;

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that another change of the top-up fails.
pub const VERSION_GUARD: &str = "topup_version";

pub(crate) const INSERT: &str = "\
    INSERT INTO topups (id, account, livemode, created, version, amount, currency, status, details) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

pub(crate) const UPDATE: &str = "\
    UPDATE topups SET version = version + 1, status = ?3, details = ?4 \
    WHERE id = ?1 AND version = ?2";

pub(crate) const FIND: &str =
    "SELECT * FROM topups WHERE id = ?1 AND account = ?2 AND livemode = ?3";

/// Writes a new top-up.
pub fn insert(scope: &Scope, topup: &Topup) -> Statement {
    Statement::new(
        INSERT,
        values![
            topup.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            topup.created.seconds(),
            topup.version,
            topup.amount.amount.minor_units(),
            topup.amount.currency.code(),
            topup.status.name(),
            json(&topup.details),
        ],
    )
}

/// Writes a changed top-up over the version that the change saw. Its version rises by one, in the row
/// and here.
pub fn update(topup: &mut Topup) -> [Statement; 2] {
    let update = Statement::new(
        UPDATE,
        values![topup.id.as_str(), topup.version, topup.status.name(), json(&topup.details)],
    );
    topup.version = topup.version.saturating_add(1);
    [update, guard::changed_one(VERSION_GUARD)]
}

/// Finds a top-up.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

impl TryFrom<&Row> for Topup {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named("id")?,
            livemode: row.flag("livemode")?,
            created: Timestamp(row.integer("created")?),
            version: row.integer("version")?,
            amount: row.money()?,
            status: row.named("status")?,
            details: row.json("details")?,
        })
    }
}
