//! Single-use tokens.

use domain::id::TokenId;
use domain::timestamp::Timestamp;
use domain::token::Token;

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
