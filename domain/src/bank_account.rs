//! Bank accounts: where a merchant's money is paid out to.
//!
//! Source: <https://docs.stripe.com/connect/testing#account-numbers>.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::{AccountId, BankAccountId, Id, base62};
use crate::metadata::Metadata;
use crate::money::Currency;
use crate::payout::FailureCode;
use crate::timestamp::Timestamp;

/// The routing number of the simulator's bank.
pub const TEST_ROUTING_NUMBER: &str = "110000000";

/// The account number at the simulator's bank to which every payout arrives.
pub const TEST_ACCOUNT_NUMBER: &str = "000123456789";

/// Whether payouts to it work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "bank_account_status")
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing is known against it.
    New,
    /// A payout to it failed: no schedule pays to it any more.
    Errored,
}

impl Status {
    /// The name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Errored => "errored",
        }
    }
}

/// A bank account of a merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankAccount {
    /// Its identifier.
    pub id: BankAccountId,
    /// Whose it is.
    pub account: AccountId,
    /// When it was made known.
    pub created: Timestamp,
    /// Counts its changes; a change names the version that it saw.
    pub version: i64,
    /// The currency that it takes.
    pub currency: Currency,
    /// Whether payouts in its currency go to it unless said otherwise.
    pub default_for_currency: bool,
    /// Whether the merchant took it away.
    pub deleted: bool,
    /// Whether payouts to it work.
    pub status: Status,
    /// The rest.
    pub details: Details,
}

/// What is only echoed of a bank account. The number itself is never kept: the simulator sends nothing to
/// it, and only has to know what it stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Details {
    pub account_holder_name: Option<String>,
    pub account_holder_type: Option<String>,
    pub country: String,
    pub fingerprint: String,
    pub last4: String,
    pub metadata: Metadata,
    pub routing_number: Option<String>,
    /// Why payouts to it fail, where they do.
    pub fails: Option<FailureCode>,
}

impl Details {
    /// What is kept of a bank account's number.
    pub fn of_number(country: &str, routing_number: Option<&str>, number: &str) -> Self {
        let named = format!("{country}:{}:{number}", routing_number.unwrap_or_default());
        let digest: [u8; 32] = Sha256::digest(named.as_bytes()).into();
        let skipped = number.chars().count().saturating_sub(4);
        Self {
            country: country.to_owned(),
            fingerprint: base62(&digest).chars().take(16).collect(),
            last4: number.chars().skip(skipped).collect(),
            routing_number: routing_number.map(str::to_owned),
            fails: FailureCode::of_number(number),
            ..Self::default()
        }
    }
}

/// The id of the bank account that the simulator gives a merchant who has none: the same whoever needs
/// it first.
pub fn test_account_id(account: &AccountId, currency: Currency) -> BankAccountId {
    let digest: [u8; 32] = Sha256::digest(format!("{account}:{currency}").as_bytes()).into();
    BankAccountId::from_checked(format!("{}{}", BankAccountId::PREFIX, base62(&digest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_known_by_its_end_and_by_what_it_stands_for() {
        let details = Details::of_number("US", Some(TEST_ROUTING_NUMBER), "000111111116");
        assert_eq!((details.last4.as_str(), details.fails), ("1116", Some(FailureCode::NoAccount)));
        let other = Details::of_number("US", Some(TEST_ROUTING_NUMBER), TEST_ACCOUNT_NUMBER);
        assert_eq!((other.last4.as_str(), other.fails), ("6789", None));
        assert_ne!(details.fingerprint, other.fingerprint);
    }
}
