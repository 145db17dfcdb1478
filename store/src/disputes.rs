//! Disputes.

use domain::dispute::Dispute;
use domain::timestamp::Timestamp;

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that another change of the dispute fails.
pub const VERSION_GUARD: &str = "dispute_version";

pub(crate) const INSERT: &str = "\
    INSERT INTO disputes (id, account, livemode, created, version, amount, currency, status, charge, \
    payment_intent, details) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

pub(crate) const UPDATE: &str = "\
    UPDATE disputes SET version = version + 1, amount = ?3, status = ?4, details = ?5 \
    WHERE id = ?1 AND version = ?2";

/// What is read of a dispute: its row, and whether all of its charge was given back.
pub(crate) const COLUMNS: &str = "*, (SELECT c.refunded >= c.captured FROM charges AS c \
    WHERE c.id = disputes.charge) AS charge_refunded";

pub(crate) const FIND: &str = "SELECT *, (SELECT c.refunded >= c.captured FROM charges AS c \
    WHERE c.id = disputes.charge) AS charge_refunded \
    FROM disputes WHERE id = ?1 AND account = ?2 AND livemode = ?3";

/// Writes a new dispute.
pub fn insert(scope: &Scope, dispute: &Dispute) -> Statement {
    Statement::new(
        INSERT,
        values![
            dispute.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            dispute.created.seconds(),
            dispute.version,
            dispute.amount.amount.minor_units(),
            dispute.amount.currency.code(),
            dispute.status.name(),
            dispute.charge.as_str(),
            dispute.payment_intent.as_ref().map(|id| id.as_str()),
            json(&dispute.details),
        ],
    )
}

/// Writes a changed dispute over the version that the change saw. Its version rises by one, in the
/// row and here.
pub fn update(dispute: &mut Dispute) -> [Statement; 2] {
    let update = Statement::new(
        UPDATE,
        values![
            dispute.id.as_str(),
            dispute.version,
            dispute.amount.amount.minor_units(),
            dispute.status.name(),
            json(&dispute.details),
        ],
    );
    dispute.version = dispute.version.saturating_add(1);
    [update, guard::changed_one(VERSION_GUARD)]
}

/// Finds a dispute.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

impl TryFrom<&Row> for Dispute {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named("id")?,
            livemode: row.flag("livemode")?,
            created: Timestamp(row.integer("created")?),
            version: row.integer("version")?,
            amount: row.money()?,
            status: row.named("status")?,
            charge: row.named("charge")?,
            payment_intent: row.optional_named("payment_intent")?,
            charge_refunded: row.optional_integer("charge_refunded")? == Some(1),
            details: row.json("details")?,
        })
    }
}
