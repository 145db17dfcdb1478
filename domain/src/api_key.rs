//! API keys: who calls, in which mode, and what they may do.
//!
//! Source: <https://docs.stripe.com/keys>. A key itself is never stored: only its SHA-256, and enough
//! of its text for people to recognise it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::AccountId;
use crate::timestamp::Timestamp;

/// What a key was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A merchant's server: everything.
    Secret,
    /// A customer's browser: its own intent, and new payment methods.
    Publishable,
    /// A merchant's server, with the rights that it was given.
    Restricted,
}

impl Kind {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Publishable => "publishable",
            Self::Restricted => "restricted",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Secret => "sk",
            Self::Publishable => "pk",
            Self::Restricted => "rk",
        }
    }
}

/// What a restricted key may do with one resource; writing includes reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Retrieve, list and search.
    Read,
    /// All of it.
    Write,
}

impl Access {
    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// What a restricted key can have rights for.
pub const RESOURCES: &[&str] = &[
    "account",
    "balance",
    "balance_transaction",
    "bank_account",
    "charge",
    "connector_account",
    "connector_webhook",
    "customer",
    "dispute",
    "event",
    "file",
    "payment_attempt",
    "payment_intent",
    "payment_method",
    "payout",
    "refund",
    "reporting.report_run",
    "reporting.report_type",
    "routing",
    "settlement_break",
    "settlement_report",
    "setup_intent",
    "token",
    "topup",
    "transfer",
    "webhook_endpoint",
];

/// The rights of a restricted key: resource to access.
pub type Permissions = BTreeMap<String, Access>;

/// A key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Whose it is.
    pub account: AccountId,
    /// Whether it moves real money.
    pub livemode: bool,
    /// What it was made for.
    pub kind: Kind,
    /// For people: prefix and last four characters.
    pub display: String,
    /// The rights of a restricted key.
    pub permissions: Permissions,
    /// When it ceases to work: the end of a roll's overlap, or its revocation.
    pub expires_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it no longer works.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether a server that holds it may use a resource so; publishable keys have rules of their own.
    pub fn allows(&self, resource: &str, wanted: Access) -> bool {
        match self.kind {
            Kind::Secret => true,
            Kind::Publishable => false,
            Kind::Restricted => {
                self.permissions.get(resource).is_some_and(|access| *access >= wanted)
            }
        }
    }
}

/// The text of a new key, from 128 random bits or more in letters and digits.
pub fn key_text(kind: Kind, livemode: bool, random: &str) -> String {
    let mode = if livemode { "live" } else { "test" };
    format!("{}_{mode}_{random}", kind.prefix())
}

/// What the database knows a key by: SHA-256 in lower-case hexadecimal.
pub fn hash(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

/// What people may see of a key: its prefix and its last four characters.
pub fn display(key: &str) -> String {
    let count = key.chars().count();
    if count <= 12 {
        return "*".repeat(count.min(8));
    }
    let prefix: String = key.chars().take(8).collect();
    let last: String = key.chars().skip(count.saturating_sub(4)).collect();
    format!("{prefix}{}{last}", "*".repeat(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_shown_without_their_secret() {
        let key = key_text(Kind::Secret, false, "0123456789abcdefghijABCD");
        assert_eq!(key, "sk_test_0123456789abcdefghijABCD");
        assert_eq!(display(&key), "sk_test_********ABCD");
        assert_eq!(display("short"), "*****");
        assert_eq!(hash("abc").len(), 64);
    }

    #[test]
    fn a_restricted_key_reads_what_it_may_write() {
        let key = ApiKey {
            account: crate::id::Id::from_checked("acct_1".to_owned()),
            livemode: false,
            kind: Kind::Restricted,
            display: String::new(),
            permissions: [
                ("charge".to_owned(), Access::Write),
                ("refund".to_owned(), Access::Read),
            ]
            .into(),
            expires_at: Some(Timestamp(10)),
        };
        assert!(key.allows("charge", Access::Read) && key.allows("charge", Access::Write));
        assert!(key.allows("refund", Access::Read) && !key.allows("refund", Access::Write));
        assert!(!key.allows("customer", Access::Read));
        assert!(!key.is_expired(Timestamp(9)) && key.is_expired(Timestamp(10)));
    }
}
