//! Charges.

use domain::charge::Charge;
use domain::timestamp::Timestamp;

use crate::database::json;
use crate::metadata_entries::Owner;
use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that another change of the charge fails.
pub const VERSION_GUARD: &str = "charge_version";

pub(crate) const INSERT: &str = "\
    INSERT INTO charges (id, account, livemode, created, version, amount, currency, captured, \
    released, refunded, status, disputed, payment_intent, customer, payment_method, details) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

pub(crate) const UPDATE: &str = "\
    UPDATE charges SET version = version + 1, amount = ?3, captured = ?4, released = ?5, \
    refunded = ?6, status = ?7, disputed = ?8, customer = ?9, details = ?10 \
    WHERE id = ?1 AND version = ?2";

pub(crate) const FIND: &str =
    "SELECT * FROM charges WHERE id = ?1 AND account = ?2 AND livemode = ?3";

// How far it looks is bounded: an account that nobody paid at lately is not worth reading all charges for.
pub(crate) const FIND_LATEST_AT_PROCESSOR: &str = "\
    SELECT * FROM (SELECT * FROM charges INDEXED BY charges_by_account WHERE account = ?1 \
    AND livemode = ?2 AND created > ?4 ORDER BY created DESC LIMIT 200) \
    WHERE details ->> '$.processor.account' = ?3 AND details ->> 'processor_reference' IS NOT NULL \
    LIMIT 1";

pub(crate) const FIND_LATEST_OF_INTENT: &str = "\
    SELECT c.* FROM payment_intents AS i JOIN charges AS c ON c.id = i.latest_charge \
    WHERE i.id = ?1 AND i.account = ?2 AND i.livemode = ?3";

pub(crate) const FIND_OF_DISPUTE: &str = "\
    SELECT c.* FROM disputes AS d JOIN charges AS c ON c.id = d.charge \
    WHERE d.id = ?1 AND d.account = ?2 AND d.livemode = ?3";

pub(crate) const FIND_OF_REFUND: &str = "\
    SELECT c.* FROM refunds AS r JOIN charges AS c ON c.id = r.charge \
    WHERE r.id = ?1 AND r.account = ?2 AND r.livemode = ?3";

pub(crate) const MUST_BE_AT_VERSION: &str = "\
    INSERT INTO guard SELECT EXISTS (SELECT 1 FROM charges WHERE id = ?1 AND version = ?2), \
    'charge_version'";

/// Writes a new charge.
pub fn insert(scope: &Scope, charge: &Charge) -> Statement {
    Statement::new(
        INSERT,
        values![
            charge.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            charge.created.seconds(),
            charge.version,
            charge.amount.amount.minor_units(),
            charge.amount.currency.code(),
            charge.captured.minor_units(),
            charge.released.minor_units(),
            charge.refunded.minor_units(),
            charge.status.name(),
            charge.disputed,
            charge.payment_intent.as_ref().map(|id| id.as_str()),
            charge.customer.as_ref().map(|id| id.as_str()),
            charge.payment_method.as_ref().map(|id| id.as_str()),
            json(&charge.details),
        ],
    )
}

/// Writes a changed charge over the version that the change saw. Its version rises by
/// one, in the row and here.
pub fn update(charge: &mut Charge) -> [Statement; 2] {
    let update = Statement::new(
        UPDATE,
        values![
            charge.id.as_str(),
            charge.version,
            charge.amount.amount.minor_units(),
            charge.captured.minor_units(),
            charge.released.minor_units(),
            charge.refunded.minor_units(),
            charge.status.name(),
            charge.disputed,
            charge.customer.as_ref().map(|id| id.as_str()),
            json(&charge.details),
        ],
    );
    charge.version = charge.version.saturating_add(1);
    [update, guard::changed_one(VERSION_GUARD)]
}

/// The batch holds only if the charge is as it was read; for what shows a charge that it does not
/// change.
pub fn must_be_unchanged(charge: &Charge) -> Statement {
    Statement::new(MUST_BE_AT_VERSION, values![charge.id.as_str(), charge.version])
}

/// Finds a charge.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

/// Finds a late charge that was made at an account at a processor after a moment, if there is one.
pub fn find_latest_at_processor(scope: &Scope, processor: &str, since: Timestamp) -> Statement {
    let account = scope.account.as_str();
    let values = values![account, scope.livemode, processor, since.seconds()];
    Statement::new(FIND_LATEST_AT_PROCESSOR, values)
}

/// Finds the newest charge of an intent.
pub fn find_latest_of_intent(scope: &Scope, intent: &str) -> Statement {
    Statement::new(FIND_LATEST_OF_INTENT, values![intent, scope.account.as_str(), scope.livemode])
}

/// Finds the charge that a dispute is about.
pub fn find_of_dispute(scope: &Scope, dispute: &str) -> Statement {
    Statement::new(FIND_OF_DISPUTE, values![dispute, scope.account.as_str(), scope.livemode])
}

/// Finds the charge that a refund gives back.
pub fn find_of_refund(scope: &Scope, refund: &str) -> Statement {
    Statement::new(FIND_OF_REFUND, values![refund, scope.account.as_str(), scope.livemode])
}

/// The owner of a charge's metadata rows.
pub fn owner(charge: &Charge) -> Owner<'_> {
    Owner { resource: "charge", object: charge.id.as_str(), created: charge.created }
}

impl TryFrom<&Row> for Charge {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named("id")?,
            livemode: row.flag("livemode")?,
            created: Timestamp(row.integer("created")?),
            version: row.integer("version")?,
            amount: row.money()?,
            captured: row.amount("captured")?,
            released: row.amount("released")?,
            refunded: row.amount("refunded")?,
            status: row.named("status")?,
            disputed: row.flag("disputed")?,
            payment_intent: row.optional_named("payment_intent")?,
            customer: row.optional_named("customer")?,
            payment_method: row.optional_named("payment_method")?,
            details: row.json("details")?,
        })
    }
}
