//! Customers.

use domain::customer::Customer;
use domain::search::fold;
use domain::timestamp::Timestamp;

use crate::database::json;
use crate::metadata_entries::Owner;
use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that another change of the customer fails.
pub const VERSION_GUARD: &str = "customer_version";
/// The guard that fails when there is no such customer, or it was deleted.
pub const EXISTS_GUARD: &str = "customer_exists";

pub(crate) const INSERT: &str = "\
    INSERT INTO customers (id, account, livemode, created, version, deleted, email, folded_email, \
    details) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

pub(crate) const UPDATE: &str = "\
    UPDATE customers SET version = version + 1, deleted = ?3, email = ?4, \
    folded_email = ?5, details = ?6 WHERE id = ?1 AND version = ?2";

pub(crate) const FIND: &str =
    "SELECT * FROM customers WHERE id = ?1 AND account = ?2 AND livemode = ?3";

pub(crate) const MUST_EXIST: &str = "\
    INSERT INTO guard SELECT EXISTS (SELECT 1 FROM customers \
    WHERE id = ?1 AND account = ?2 AND livemode = ?3 AND deleted = 0), 'customer_exists'";

pub(crate) const FIND_KEEPER: &str = "\
    SELECT c.* FROM payment_methods AS p JOIN customers AS c ON c.id = p.customer \
    WHERE p.id = ?1 AND p.account = ?2 AND p.livemode = ?3";

pub(crate) const MUST_BE_UNCHANGED: &str = "\
    INSERT INTO guard SELECT EXISTS (SELECT 1 FROM customers \
    WHERE id = ?1 AND account = ?2 AND livemode = ?3 AND version = ?4), 'customer_version'";

/// Writes a new customer.
pub fn insert(scope: &Scope, customer: &Customer) -> Statement {
    Statement::new(
        INSERT,
        values![
            customer.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            customer.created.seconds(),
            customer.version,
            customer.deleted,
            customer.email.as_deref(),
            customer.email.as_deref().map(fold),
            json(&customer.details),
        ],
    )
}

/// Writes a changed customer over the version that the change saw. Its version rises by
/// one, in the row and here.
pub fn update(customer: &mut Customer) -> [Statement; 2] {
    let update = Statement::new(
        UPDATE,
        values![
            customer.id.as_str(),
            customer.version,
            customer.deleted,
            customer.email.as_deref(),
            customer.email.as_deref().map(fold),
            json(&customer.details),
        ],
    );
    customer.version = customer.version.saturating_add(1);
    [update, guard::changed_one(VERSION_GUARD)]
}

/// Finds a customer, also a deleted one.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

/// Finds the customer that keeps a payment method.
pub fn find_keeper(scope: &Scope, payment_method: &str) -> Statement {
    Statement::new(FIND_KEEPER, values![payment_method, scope.account.as_str(), scope.livemode])
}

/// The owner of a customer's metadata rows.
pub fn owner(customer: &Customer) -> Owner<'_> {
    Owner { resource: "customer", object: customer.id.as_str(), created: customer.created }
}

/// The batch holds only if the customer is still as it was read.
pub fn must_be_unchanged(scope: &Scope, customer: &Customer) -> Statement {
    Statement::new(
        MUST_BE_UNCHANGED,
        values![customer.id.as_str(), scope.account.as_str(), scope.livemode, customer.version],
    )
}

/// The batch holds only if the customer exists and was not deleted.
pub fn must_exist(scope: &Scope, id: &str) -> Statement {
    Statement::new(MUST_EXIST, values![id, scope.account.as_str(), scope.livemode])
}

impl TryFrom<&Row> for Customer {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named("id")?,
            livemode: row.flag("livemode")?,
            created: Timestamp(row.integer("created")?),
            version: row.integer("version")?,
            deleted: row.flag("deleted")?,
            email: row.optional_text("email")?.map(str::to_owned),
            details: row.json("details")?,
        })
    }
}
