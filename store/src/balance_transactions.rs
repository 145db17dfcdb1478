//! Balance transactions.

use domain::balance_transaction::{BalanceTransaction, Kind};
use domain::money::AmountOutOfRange;
use domain::timestamp::Timestamp;

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, values};

pub(crate) const INSERT: &str = "\
    INSERT INTO balance_transactions (id, account, livemode, created, type, currency, amount, fee, \
    net, available_on, source, details) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

pub(crate) const FIND: &str =
    "SELECT * FROM balance_transactions WHERE id = ?1 AND account = ?2 AND livemode = ?3";

/// Writes a balance transaction.
///
/// # Errors
/// Never for one whose amounts are in range.
pub fn insert(
    scope: &Scope,
    transaction: &BalanceTransaction,
) -> Result<Statement, AmountOutOfRange> {
    Ok(Statement::new(
        INSERT,
        values![
            transaction.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            transaction.created.seconds(),
            transaction.kind.name(),
            transaction.currency.code(),
            transaction.amount.minor_units(),
            transaction.fee.minor_units(),
            transaction.net()?.minor_units(),
            transaction.available_on.seconds(),
            transaction.source.as_deref(),
            json(&transaction.details),
        ],
    ))
}

/// Finds a balance transaction.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

impl TryFrom<&Row> for BalanceTransaction {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        let kind = row.text("type")?;
        Ok(Self {
            id: row.named("id")?,
            created: Timestamp(row.integer("created")?),
            kind: Kind::from_name(kind).ok_or_else(|| Inconsistent {
                column: "type",
                problem: format!("{kind} is no kind of balance transaction"),
            })?,
            currency: row.named("currency")?,
            amount: row.signed_amount("amount")?,
            fee: row.signed_amount("fee")?,
            available_on: Timestamp(row.integer("available_on")?),
            source: row.optional_text("source")?.map(str::to_owned),
            details: row.json("details")?,
        })
    }
}
