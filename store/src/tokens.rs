//! Single-use tokens.

use domain::bank_account::{BankAccount, Status};
use domain::id::{BankAccountTokenId, TokenId};
use domain::timestamp::Timestamp;
use domain::token::{BankAccountToken, Token};

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that fails when something was made from the token already.
pub const UNUSED_GUARD: &str = "token_unused";

pub(crate) const INSERT: &str = "\
    INSERT INTO tokens (id, card_id, account, livemode, created, used, client_ip, card, \
    sealed_number, billing_details) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

pub(crate) const USE: &str = "UPDATE tokens SET used = 1 WHERE id = ?1 AND used = 0";

pub(crate) const FIND: &str =
    "SELECT * FROM tokens WHERE id = ?1 AND account = ?2 AND livemode = ?3";

pub(crate) const INSERT_BANK_ACCOUNT: &str = "\
    INSERT INTO bank_account_tokens (id, bank_account, account, livemode, created, used, client_ip, \
    currency, details) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

pub(crate) const USE_BANK_ACCOUNT: &str =
    "UPDATE bank_account_tokens SET used = 1 WHERE id = ?1 AND used = 0";

pub(crate) const FIND_BANK_ACCOUNT: &str =
    "SELECT * FROM bank_account_tokens WHERE id = ?1 AND account = ?2 AND livemode = ?3";

/// Writes a new token for a bank account.
pub fn insert_bank_account(scope: &Scope, token: &BankAccountToken) -> Statement {
    Statement::new(
        INSERT_BANK_ACCOUNT,
        values![
            token.id.as_str(),
            token.bank_account.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            token.created.seconds(),
            token.used,
            token.client_ip.as_deref(),
            token.bank_account.currency.code(),
            json(&token.bank_account.details),
        ],
    )
}

/// Uses a token for a bank account up; only one batch can.
pub fn use_up_bank_account(token: &BankAccountTokenId) -> [Statement; 2] {
    let used = Statement::new(USE_BANK_ACCOUNT, values![token.as_str()]);
    [used, guard::changed_one(UNUSED_GUARD)]
}

/// Finds a token for a bank account.
pub fn find_bank_account(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND_BANK_ACCOUNT, values![id, scope.account.as_str(), scope.livemode])
}

impl TryFrom<&Row> for BankAccountToken {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        let created = Timestamp(row.integer("created")?);
        Ok(Self {
            id: row.named("id")?,
            livemode: row.flag("livemode")?,
            created,
            used: row.flag("used")?,
            client_ip: row.optional_text("client_ip")?.map(str::to_owned),
            bank_account: BankAccount {
                id: row.named("bank_account")?,
                account: row.named("account")?,
                created,
                version: 1,
                currency: row.named("currency")?,
                default_for_currency: false,
                deleted: false,
                status: Status::New,
                details: row.json("details")?,
            },
        })
    }
}

/// Writes a new token.
pub fn insert(scope: &Scope, token: &Token) -> Statement {
    Statement::new(
        INSERT,
        values![
            token.id.as_str(),
            token.card_id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            token.created.seconds(),
            token.used,
            token.client_ip.as_deref(),
            json(&token.card),
            token.sealed_number.as_str(),
            json(&token.billing_details),
        ],
    )
}

/// Uses a token up; only one batch can.
pub fn use_up(token: &TokenId) -> [Statement; 2] {
    [Statement::new(USE, values![token.as_str()]), guard::changed_one(UNUSED_GUARD)]
}

/// Finds a token.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

impl TryFrom<&Row> for Token {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named("id")?,
            card_id: row.named("card_id")?,
            livemode: row.flag("livemode")?,
            created: Timestamp(row.integer("created")?),
            used: row.flag("used")?,
            client_ip: row.optional_text("client_ip")?.map(str::to_owned),
            card: row.json("card")?,
            sealed_number: row.text("sealed_number")?.to_owned(),
            billing_details: row.json("billing_details")?,
        })
    }
}
