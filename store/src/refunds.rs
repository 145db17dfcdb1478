//! Refunds.

use domain::refund::Refund;
use domain::timestamp::Timestamp;

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that another change of the refund fails.
pub const VERSION_GUARD: &str = "refund_version";

pub(crate) const INSERT: &str = "\
    INSERT INTO refunds (id, account, livemode, created, version, amount, currency, status, charge, \
    payment_intent, pending_operation, details) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

pub(crate) const UPDATE: &str = "\
    UPDATE refunds SET version = version + 1, status = ?3, pending_operation = ?4, details = ?5 \
    WHERE id = ?1 AND version = ?2";

pub(crate) const FIND: &str =
    "SELECT * FROM refunds WHERE id = ?1 AND account = ?2 AND livemode = ?3";

// One that is under way may be the one that is looked for: nobody knows its reference yet.
pub(crate) const FIND_BY_REFERENCE: &str = "\
    SELECT * FROM refunds INDEXED BY refunds_by_charge WHERE charge = ?1 AND account = ?2 \
    AND livemode = ?3 AND (details ->> 'processor_reference' = ?4 OR pending_operation IS NOT NULL)";

pub(crate) const MUST_BE_ITS_OWN: &str = "\
    INSERT INTO guard SELECT NOT EXISTS (SELECT 1 FROM refunds INDEXED BY refunds_by_charge \
    WHERE charge = ?1 AND details ->> 'processor_reference' = ?2 AND id <> ?3), 'processor_reference'";

pub(crate) const FIND_FAILED: &str = "\
    SELECT * FROM refunds INDEXED BY refunds_by_charge WHERE charge = ?1 AND account = ?2 \
    AND livemode = ?3 AND status IN ('failed', 'canceled')";

/// Writes a new refund.
pub fn insert(scope: &Scope, refund: &Refund) -> Statement {
    Statement::new(
        INSERT,
        values![
            refund.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            refund.created.seconds(),
            refund.version,
            refund.amount.amount.minor_units(),
            refund.amount.currency.code(),
            refund.status.name(),
            refund.charge.as_str(),
            refund.payment_intent.as_ref().map(|id| id.as_str()),
            refund.pending_operation.as_ref().map(|id| id.as_str()),
            json(&refund.details),
        ],
    )
}

/// Writes a changed refund over the version that the change saw. Its version rises by
/// one, in the row and here.
pub fn update(refund: &mut Refund) -> [Statement; 2] {
    let update = Statement::new(
        UPDATE,
        values![
            refund.id.as_str(),
            refund.version,
            refund.status.name(),
            refund.pending_operation.as_ref().map(|id| id.as_str()),
            json(&refund.details),
        ],
    );
    refund.version = refund.version.saturating_add(1);
    [update, guard::changed_one(VERSION_GUARD)]
}

/// Finds the refund of a charge that its processor knows by its own reference, and those that are under way.
pub fn find_by_reference(scope: &Scope, charge: &str, reference: &str) -> Statement {
    let values = values![charge, scope.account.as_str(), scope.livemode, reference];
    Statement::new(FIND_BY_REFERENCE, values)
}

/// Stops a batch that takes a refund at a processor for this one, where another of its charge is known by it.
pub fn must_be_its_own(refund: &str, charge: &str, reference: &str) -> Statement {
    Statement::new(MUST_BE_ITS_OWN, values![charge, reference, refund])
}

/// Finds the refunds of a charge that came to nothing.
pub fn find_failed(scope: &Scope, charge: &str) -> Statement {
    let values = values![charge, scope.account.as_str(), scope.livemode];
    Statement::new(FIND_FAILED, values)
}

/// Finds a refund.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

impl TryFrom<&Row> for Refund {
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
            pending_operation: row.optional_named("pending_operation")?,
            details: row.json("details")?,
        })
    }
}
