//! Payment methods.

use domain::id::AttemptId;
use domain::payment_method::PaymentMethod;
use domain::timestamp::Timestamp;

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that another change of the payment method fails.
pub const VERSION_GUARD: &str = "payment_method_version";
/// The guard that fails when there is no such payment method, or it may not be used.
pub const USABLE_GUARD: &str = "payment_method_usable";

pub(crate) const INSERT: &str = "\
    INSERT INTO payment_methods (id, account, livemode, created, version, customer, \
    detached, used_by, card, sealed_number, details) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

pub(crate) const UPDATE: &str = "\
    UPDATE payment_methods SET version = version + 1, customer = ?3, detached = ?4, used_by = ?5, \
    card = ?6, details = ?7 \
    WHERE id = ?1 AND version = ?2";

pub(crate) const MUST_BE_USABLE: &str = "\
    INSERT INTO guard SELECT EXISTS (SELECT 1 FROM payment_methods WHERE id = ?1 AND account = ?2 \
    AND livemode = ?3 AND detached = 0 AND (customer IS NULL OR customer = ?4)), \
    'payment_method_usable'";

pub(crate) const USE_UP: &str = "\
    UPDATE payment_methods SET version = version + 1, detached = 1, used_by = ?4 \
    WHERE id = ?1 AND account = ?2 AND livemode = ?3 AND customer IS NULL AND detached = 0";

pub(crate) const MUST_NOT_BE_USED: &str = "\
    INSERT INTO guard SELECT NOT EXISTS (SELECT 1 FROM payment_methods WHERE id = ?1 AND account = ?2 \
    AND livemode = ?3 AND used_by <> ?4), 'payment_method_usable'";

pub(crate) const FIND: &str =
    "SELECT * FROM payment_methods WHERE id = ?1 AND account = ?2 AND livemode = ?3";

pub(crate) const MUST_BE_KEPT: &str = "\
    INSERT INTO guard SELECT EXISTS (SELECT 1 FROM payment_methods WHERE id = ?1 AND account = ?2 \
    AND livemode = ?3 AND customer = ?4), 'payment_method_kept'";

pub(crate) const DETACH_ALL: &str = "\
    UPDATE payment_methods SET version = version + 1, customer = NULL, detached = 1 \
    WHERE customer = ?1 AND account = ?2 AND livemode = ?3";

/// Writes a new payment method.
pub fn insert(scope: &Scope, method: &PaymentMethod) -> Statement {
    Statement::new(
        INSERT,
        values![
            method.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            method.created.seconds(),
            method.version,
            method.customer.as_ref().map(|id| id.as_str()),
            method.used_up,
            method.used_by.as_ref().map(|id| id.as_str()),
            json(&method.card),
            method.sealed_number.as_str(),
            json(&method.details),
        ],
    )
}

/// Writes a changed payment method over the version that the change saw. Its version
/// rises by one, in the row and here.
pub fn update(method: &mut PaymentMethod) -> [Statement; 2] {
    let update = Statement::new(
        UPDATE,
        values![
            method.id.as_str(),
            method.version,
            method.customer.as_ref().map(|id| id.as_str()),
            method.used_up,
            method.used_by.as_ref().map(|id| id.as_str()),
            json(&method.card),
            json(&method.details),
        ],
    );
    method.version = method.version.saturating_add(1);
    [update, guard::changed_one(VERSION_GUARD)]
}

/// Lets go of everything that a customer keeps.
pub fn detach_all(scope: &Scope, customer: &str) -> Statement {
    Statement::new(DETACH_ALL, values![customer, scope.account.as_str(), scope.livemode])
}

/// Finds a payment method.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

/// The batch holds only if the payment method exists and this customer (or nobody) keeps it.
pub fn must_be_usable(scope: &Scope, id: &str, customer: Option<&str>) -> Statement {
    Statement::new(MUST_BE_USABLE, values![id, scope.account.as_str(), scope.livemode, customer])
}

/// Lets nobody but this attempt use a payment method that no customer keeps.
pub fn use_up(scope: &Scope, id: &str, attempt: &AttemptId) -> Statement {
    let account = scope.account.as_str();
    Statement::new(USE_UP, values![id, account, scope.livemode, attempt.as_str()])
}

/// The batch holds only if no other attempt uses the payment method.
pub fn must_not_be_used(scope: &Scope, id: &str, attempt: &AttemptId) -> Statement {
    let account = scope.account.as_str();
    Statement::new(MUST_NOT_BE_USED, values![id, account, scope.livemode, attempt.as_str()])
}

/// The batch holds only if this customer keeps the payment method.
pub fn must_be_kept(scope: &Scope, id: &str, customer: &str) -> Statement {
    Statement::new(MUST_BE_KEPT, values![id, scope.account.as_str(), scope.livemode, customer])
}

impl TryFrom<&Row> for PaymentMethod {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named("id")?,
            livemode: row.flag("livemode")?,
            created: Timestamp(row.integer("created")?),
            version: row.integer("version")?,
            customer: row.optional_named("customer")?,
            // The column is named after what used payment methods up at first.
            used_up: row.flag("detached")?,
            used_by: row.optional_named("used_by")?,
            card: row.json("card")?,
            sealed_number: row.text("sealed_number")?.to_owned(),
            details: row.json("details")?,
        })
    }
}
