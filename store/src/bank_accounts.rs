//! Bank accounts of merchants.

use domain::bank_account::BankAccount;
use domain::money::Currency;
use domain::timestamp::Timestamp;

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that another change of the bank account fails.
pub const VERSION_GUARD: &str = "bank_account_version";

pub(crate) const INSERT: &str = "\
    INSERT INTO bank_accounts (id, account, livemode, created, version, currency, \
    default_for_currency, deleted, status, details) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

pub(crate) const UPDATE: &str = "\
    UPDATE bank_accounts SET version = version + 1, default_for_currency = ?3, deleted = ?4, \
    status = ?5, details = ?6 WHERE id = ?1 AND version = ?2";

pub(crate) const FIND: &str =
    "SELECT * FROM bank_accounts WHERE id = ?1 AND account = ?2 AND livemode = ?3";

pub(crate) const FIND_DEFAULT: &str = "\
    SELECT * FROM bank_accounts WHERE account = ?1 AND livemode = ?2 AND currency = ?3 \
    AND default_for_currency = 1";

pub(crate) const MUST_BE_UNCHANGED: &str = "\
    INSERT INTO guard SELECT EXISTS (SELECT 1 FROM bank_accounts WHERE id = ?1 AND version = ?2), \
    'bank_account_version'";

pub(crate) const FIND_OF_PAYOUT: &str = "\
    SELECT b.* FROM payouts AS p JOIN bank_accounts AS b ON b.id = p.destination \
    WHERE p.id = ?1 AND p.account = ?2 AND p.livemode = ?3";

/// Writes a new bank account.
pub fn insert(scope: &Scope, bank: &BankAccount) -> Statement {
    Statement::new(
        INSERT,
        values![
            bank.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            bank.created.seconds(),
            bank.version,
            bank.currency.code(),
            bank.default_for_currency,
            bank.deleted,
            bank.status.name(),
            json(&bank.details),
        ],
    )
}

/// Writes a changed bank account over the version that the change saw. Its version rises by one, in the
/// row and here.
pub fn update(bank: &mut BankAccount) -> [Statement; 2] {
    let update = Statement::new(
        UPDATE,
        values![
            bank.id.as_str(),
            bank.version,
            bank.default_for_currency,
            bank.deleted,
            bank.status.name(),
            json(&bank.details),
        ],
    );
    bank.version = bank.version.saturating_add(1);
    [update, guard::changed_one(VERSION_GUARD)]
}

/// Finds a bank account, a deleted one included.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

/// Finds the bank account that payouts in a currency go to unless said otherwise.
pub fn find_default(scope: &Scope, currency: Currency) -> Statement {
    Statement::new(FIND_DEFAULT, values![scope.account.as_str(), scope.livemode, currency.code()])
}

/// Finds the bank account that a payout goes to, also where it was taken away since.
pub fn find_of_payout(scope: &Scope, payout: &str) -> Statement {
    Statement::new(FIND_OF_PAYOUT, values![payout, scope.account.as_str(), scope.livemode])
}

/// The batch holds only if the bank account is as it was seen.
pub fn must_be_unchanged(bank: &BankAccount) -> Statement {
    Statement::new(MUST_BE_UNCHANGED, values![bank.id.as_str(), bank.version])
}

impl TryFrom<&Row> for BankAccount {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named("id")?,
            account: row.named("account")?,
            created: Timestamp(row.integer("created")?),
            version: row.integer("version")?,
            currency: row.named("currency")?,
            default_for_currency: row.flag("default_for_currency")?,
            deleted: row.flag("deleted")?,
            status: row.named("status")?,
            details: row.json("details")?,
        })
    }
}
