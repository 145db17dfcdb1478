//! Setup intents.

use domain::setup_intent::SetupIntent;
use domain::timestamp::Timestamp;

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, values};

pub(crate) const INSERT: &str = "\
    INSERT INTO setup_intents (id, account, livemode, created, customer, payment_method, details) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

pub(crate) const FIND: &str =
    "SELECT * FROM setup_intents WHERE id = ?1 AND account = ?2 AND livemode = ?3";

/// Writes a new setup intent.
pub fn insert(scope: &Scope, intent: &SetupIntent) -> Statement {
    Statement::new(
        INSERT,
        values![
            intent.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            intent.created.seconds(),
            intent.customer.as_str(),
            intent.payment_method.as_str(),
            json(&intent.details),
        ],
    )
}

/// Finds a setup intent.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

impl TryFrom<&Row> for SetupIntent {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named("id")?,
            livemode: row.flag("livemode")?,
            created: Timestamp(row.integer("created")?),
            customer: row.named("customer")?,
            payment_method: row.named("payment_method")?,
            details: row.json("details")?,
        })
    }
}
