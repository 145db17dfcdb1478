//! Merchants and their API keys.

use domain::account::Account;
use domain::api_key::{ApiKey, Permissions};
use domain::id::AccountId;
use domain::pricing::{PricePlan, Terms};
use domain::timestamp::Timestamp;

use crate::{Inconsistent, Row, Statement, values};

pub(crate) const FIND_BY_KEY: &str = "\
    SELECT k.account, k.livemode, k.kind, k.display, k.permissions, k.expires_at, \
    a.name, a.email, a.country, a.default_currency, a.idempotency_shards, a.created, \
    a.settings, (SELECT p.plan FROM price_plans AS p WHERE p.account = a.id \
    ORDER BY p.version DESC LIMIT 1) AS plan \
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
                terms: terms(row)?,
            },
        })
    }
}

/// What of an account's settings the books need.
#[derive(serde::Deserialize)]
#[serde(default)]
struct Settings {
    available_after_days: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self { available_after_days: 2 }
    }
}

fn terms(row: &Row) -> Result<Terms, Inconsistent> {
    let Settings { available_after_days } = row.json("settings")?;
    let plan = match row.optional_text("plan")? {
        Some(_) => row.json("plan")?,
        // Who was given no plan pays nothing.
        None => PricePlan::default(),
    };
    Ok(Terms { plan, available_after_days })
}
