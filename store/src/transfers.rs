//! Transfers and their reversals.

use domain::timestamp::Timestamp;
use domain::transfer::{Transfer, TransferReversal};

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that another change of the transfer fails.
pub const VERSION_GUARD: &str = "transfer_version";

pub(crate) const INSERT: &str = "\
    INSERT INTO transfers (id, account, livemode, created, version, amount, currency, reversed, \
    destination, details) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

pub(crate) const UPDATE: &str = "\
    UPDATE transfers SET version = version + 1, reversed = ?3, details = ?4 \
    WHERE id = ?1 AND version = ?2";

pub(crate) const FIND: &str =
    "SELECT * FROM transfers WHERE id = ?1 AND account = ?2 AND livemode = ?3";

pub(crate) const INSERT_REVERSAL: &str = "\
    INSERT INTO transfer_reversals (id, account, livemode, created, amount, currency, transfer, \
    reversal) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

pub(crate) const UPDATE_REVERSAL: &str =
    "UPDATE transfer_reversals SET reversal = ?2 WHERE id = ?1";

pub(crate) const FIND_REVERSAL: &str =
    "SELECT * FROM transfer_reversals WHERE id = ?1 AND account = ?2 AND livemode = ?3";

/// Writes a new transfer.
pub fn insert(scope: &Scope, transfer: &Transfer) -> Statement {
    Statement::new(
        INSERT,
        values![
            transfer.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            transfer.created.seconds(),
            transfer.version,
            transfer.amount.amount.minor_units(),
            transfer.amount.currency.code(),
            transfer.reversed.minor_units(),
            transfer.destination.as_str(),
            json(&transfer.details),
        ],
    )
}

/// Writes a changed transfer over the version that the change saw. Its version rises by one, in the row
/// and here.
pub fn update(transfer: &mut Transfer) -> [Statement; 2] {
    let update = Statement::new(
        UPDATE,
        values![
            transfer.id.as_str(),
            transfer.version,
            transfer.reversed.minor_units(),
            json(&transfer.details),
        ],
    );
    transfer.version = transfer.version.saturating_add(1);
    [update, guard::changed_one(VERSION_GUARD)]
}

/// Finds a transfer.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

/// Writes a new reversal.
pub fn insert_reversal(scope: &Scope, reversal: &TransferReversal) -> Statement {
    Statement::new(
        INSERT_REVERSAL,
        values![
            reversal.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            reversal.created.seconds(),
            reversal.amount.minor_units(),
            reversal.currency.code(),
            reversal.transfer.as_str(),
            json(reversal),
        ],
    )
}

/// Writes a changed reversal, in a batch that is held to the version of its transfer.
pub fn update_reversal(reversal: &TransferReversal) -> Statement {
    Statement::new(UPDATE_REVERSAL, values![reversal.id.as_str(), json(reversal)])
}

/// Finds a reversal.
pub fn find_reversal(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND_REVERSAL, values![id, scope.account.as_str(), scope.livemode])
}

impl TryFrom<&Row> for Transfer {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named("id")?,
            livemode: row.flag("livemode")?,
            created: Timestamp(row.integer("created")?),
            version: row.integer("version")?,
            amount: row.money()?,
            reversed: row.amount("reversed")?,
            destination: row.named("destination")?,
            details: row.json("details")?,
        })
    }
}

impl TryFrom<&Row> for TransferReversal {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        row.json("reversal")
    }
}
