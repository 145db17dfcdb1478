//! Merchants and their API keys.

use domain::account::Account;
use domain::api_key::{ApiKey, Permissions};
use domain::id::AccountId;
use domain::timestamp::Timestamp;

use crate::{Inconsistent, Row, Statement, values};

pub(crate) const FIND_BY_KEY: &str = "\
    SELECT k.account, k.livemode, k.kind, k.display, k.permissions, k.expires_at, \
    a.name, a.email, a.country, a.default_currency, a.idempotency_shards, a.created \
    FROM api_keys AS k JOIN accounts AS a ON a.id = k.account WHERE k.hash = ?1";

/// Finds a key by its hash, with the account that it belongs to.
pub fn find_by_key(hash: &str) -> Statement {
    Statement::new(FIND_BY_KEY, values![hash])
}

/// A key and its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAndAccount {
    /// The key.
    pub key: ApiKey,
    /// Whose it is.
    pub account: Account,
}

impl TryFrom<&Row> for KeyAndAccount {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        let id: AccountId = row.named("account")?;
        let permissions: Permissions = match row.optional_text("permissions")? {
            Some(_) => row.json("permissions")?,
            None => Permissions::new(),
        };
        Ok(Self {
            key: ApiKey {
                account: id.clone(),
                livemode: row.flag("livemode")?,
                kind: row.named("kind")?,
                display: row.text("display")?.to_owned(),
                permissions,
                expires_at: row.optional_integer("expires_at")?.map(Timestamp),
            },
            account: Account {
                id,
                name: row.text("name")?.to_owned(),
                email: row.optional_text("email")?.map(str::to_owned),
                country: row.text("country")?.to_owned(),
                default_currency: row.named("default_currency")?,
                idempotency_shards: u32::try_from(row.integer("idempotency_shards")?).map_err(
                    |error| Inconsistent {
                        column: "idempotency_shards",
                        problem: error.to_string(),
                    },
                )?,
                created: Timestamp(row.integer("created")?),
            },
        })
    }
}
