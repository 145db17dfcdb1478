//! Merchants with API keys whose texts are known.

use domain::api_key::{Kind, Permissions, display, hash, key_text};
use domain::id::{AccountId, Id};
use store::{Scope, values};

use crate::{Database, START};

/// How many idempotency objects share a merchant's keys in tests: more than one, so that sharding shows.
const IDEMPOTENCY_SHARDS: i64 = 2;

/// What a merchant pays in tests: 2.9 % and 30 cents, and 15 dollars for a dispute.
const PRICE_PLAN: &str =
    r#"{"version": 1, "basis_points": 290, "fixed": {"usd": 30}, "dispute": {"usd": 1500}}"#;

/// A merchant and its keys for test mode.
#[derive(Clone, Debug)]
pub struct Merchant {
    /// Its account.
    pub account: AccountId,
    /// A secret key.
    pub secret_key: String,
    /// A publishable key.
    pub publishable_key: String,
}

impl Merchant {
    /// What it owns in test mode.
    pub fn scope(&self) -> Scope {
        Scope { account: self.account.clone(), livemode: false }
    }

    /// What it owns in live mode.
    pub fn live_scope(&self) -> Scope {
        Scope { account: self.account.clone(), livemode: true }
    }

    /// Keeps a new merchant under a name of letters and digits, with a secret and a publishable key for
    /// test mode.
    ///
    /// # Panics
    /// When the name holds anything else, or is taken.
    pub fn insert(database: &Database, name: &str) -> Self {
        let account =
            AccountId::parse(&format!("acct_{name}")).expect("letters, digits and underscores");
        database.query(
            "INSERT INTO accounts (id, name, email, country, default_currency, \
             idempotency_shards, created) VALUES (?1, ?2, ?3, 'US', 'usd', ?4, ?5)",
            values![
                account.as_str(),
                name,
                format!("{name}@example.com"),
                IDEMPOTENCY_SHARDS,
                START.seconds(),
            ],
        );
        database.query(
            "INSERT INTO price_plans (account, version, created, plan) VALUES (?1, 1, ?2, ?3)",
            values![account.as_str(), START.seconds(), PRICE_PLAN],
        );
        let key = |kind| insert_key(database, &account, kind, false, None);
        let (secret_key, publishable_key) = (key(Kind::Secret), key(Kind::Publishable));
        Self { account, secret_key, publishable_key }
    }
}

/// Keeps a new key of an account and returns its text, as `sk_test_acme00000000000000000001`: the
/// account's name and the number of the key.
pub(crate) fn insert_key(
    database: &Database,
    account: &AccountId,
    kind: Kind,
    livemode: bool,
    permissions: Option<&Permissions>,
) -> String {
    let number = database.query("SELECT id FROM api_keys", values![]).len() + 1;
    let name = account.as_str().trim_start_matches(AccountId::PREFIX);
    let text = key_text(kind, livemode, &format!("{name}{number:020}"));
    let permissions = permissions
        .map(|permissions| serde_json::to_string(permissions).expect("its keys are texts"));
    database.query(
        "INSERT INTO api_keys (hash, id, account, livemode, kind, display, permissions, created) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        values![
            hash(&text),
            format!("key_{number}"),
            account.as_str(),
            livemode,
            kind.name(),
            display(&text),
            permissions,
            START.seconds(),
        ],
    );
    text
}
