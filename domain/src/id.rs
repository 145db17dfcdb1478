//! Identifiers: one type for each kind of object, each with its own prefix and a strict parser.
//!
//! The ids that a request makes are derived from the seed kept in its idempotency record, so a
//! request that died half-way and comes back finds its own rows instead of creating twice.

use std::fmt;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// How many characters follow the prefix of an id that Florin makes: 128 bits in base 62.
const RANDOM_LENGTH: usize = 22;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A text that is no identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier with the prefix {prefix}")]
pub struct InvalidId {
    /// The prefix that was wanted.
    pub prefix: &'static str,
}

/// An identifier with a prefix of its own.
pub trait Id: Sized {
    /// What each identifier of this kind begins with, as `pi_`.
    const PREFIX: &'static str;

    /// Reads an identifier strictly: the prefix, then 1 to 64 letters, digits or underscores.
    fn parse(text: &str) -> Result<Self, InvalidId>;

    /// Wraps a text that was checked or made here.
    fn from_checked(text: String) -> Self;
}

/// Reads an identifier strictly: the prefix, then 1 to 64 letters, digits or underscores.
fn is_valid(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| {
        (1..=64).contains(&rest.len())
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

macro_rules! define_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Id for $name {
            const PREFIX: &'static str = $prefix;

            fn parse(text: &str) -> Result<Self, InvalidId> {
                if is_valid($prefix, text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidId { prefix: $prefix })
                }
            }

            fn from_checked(text: String) -> Self {
                Self(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    )*};
}

define_ids! {
    /// A merchant.
    AccountId = "acct_";
    /// A row of an API key; never the key itself.
    ApiKeyId = "key_";
    /// One try to move money at a processor.
    AttemptId = "att_";
    /// A movement of a merchant's balance.
    BalanceTransactionId = "txn_";
    /// A bank account that a merchant is paid out to.
    BankAccountId = "ba_";
    /// A single-use token for a bank account.
    BankAccountTokenId = "btok_";
    /// A card behind a token.
    CardId = "card_";
    /// A charge.
    ChargeId = "ch_";
    /// An account at a payment processor.
    ConnectorAccountId = "cna_";
    /// What a payment processor told unasked.
    ConnectorWebhookId = "cnw_";
    /// A customer.
    CustomerId = "cus_";
    /// A dispute.
    DisputeId = "du_";
    /// An event.
    EventId = "evt_";
    /// A wish to have events sent again.
    EventReplayId = "evr_";
    /// A file.
    FileId = "file_";
    /// A payment intent.
    PaymentIntentId = "pi_";
    /// A payment method.
    PaymentMethodId = "pm_";
    /// A payout.
    PayoutId = "po_";
    /// A refund.
    RefundId = "re_";
    /// A run of a report.
    ReportRunId = "frr_";
    /// An HTTP request that we answered.
    RequestId = "req_";
    /// A version of a routing document.
    RoutingId = "rtg_";
    /// A difference between what a processor reports and our books.
    SettlementBreakId = "brk_";
    /// What a processor reports of what it settled.
    SettlementReportId = "srp_";
    /// A card that a customer keeps without paying.
    SetupIntentId = "seti_";
    /// A single-use token.
    TokenId = "tok_";
    /// The delivery of one event to one endpoint.
    WebhookDeliveryId = "whd_";
    /// Where a merchant hears of events.
    WebhookEndpointId = "we_";
    /// Money that a merchant's bank adds to the balance.
    TopupId = "tu_";
    /// Money that went to a connected account.
    TransferId = "tr_";
    /// Money of a transfer that came back.
    TransferReversalId = "trr_";
}

/// Makes every identifier of one request from one seed, so that the request can be run again and
/// name the same rows.
#[derive(Clone)]
pub struct IdSource {
    /// Keyed with the seed, which is half the work of a digest.
    keyed: Option<Keyed>,
}

type Keyed = Hmac<Sha256>;

impl IdSource {
    /// An id source over a random seed of at least 16 bytes.
    pub fn new(seed: &[u8]) -> Self {
        Self { keyed: keyed(seed) }
    }

    /// The identifier of its kind for a place in the request, as `"charge"` or `"event:2"`.
    pub fn derive<T: Id>(&self, place: &str) -> T {
        T::from_checked(format!("{}{}", T::PREFIX, self.text(T::PREFIX, place)))
    }

    /// A secret text of 128 bits for a place in the request.
    pub fn secret(&self, place: &str) -> String {
        self.text("secret", place)
    }

    fn text(&self, kind: &str, place: &str) -> String {
        base62(&digest(self.keyed.clone(), &[kind.as_bytes(), place.as_bytes()]))
    }
}

impl fmt::Debug for IdSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("IdSource(..)")
    }
}

/// HMAC-SHA256 over parts, each preceded by its length so that no two lists of parts collide.
pub fn keyed_digest(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    digest(keyed(key), parts)
}

/// Always there: HMAC takes keys of every length.
fn keyed(key: &[u8]) -> Option<Keyed> {
    Keyed::new_from_slice(key).ok()
}

fn digest(keyed: Option<Keyed>, parts: &[&[u8]]) -> [u8; 32] {
    let Some(mut mac) = keyed else { return [0; 32] };
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Compares without telling by its duration where the texts part.
pub fn constant_time_equal(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).fold(0_u8, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// The first 128 bits of a digest as letters and digits.
pub fn base62(digest: &[u8; 32]) -> String {
    let mut number =
        digest.iter().take(16).fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
    let mut text = String::with_capacity(RANDOM_LENGTH);
    for _ in 0..RANDOM_LENGTH {
        let digit = (number % 62) as usize;
        text.push(BASE62.get(digit).copied().map_or('0', char::from));
        number /= 62;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_names_the_same_rows_again() {
        let ids = IdSource::new(&[7; 32]);
        let first: ChargeId = ids.derive("charge");
        assert_eq!(first, IdSource::new(&[7; 32]).derive("charge"));
        assert_ne!(first, ids.derive("charge:1"));
        assert_ne!(first, IdSource::new(&[8; 32]).derive("charge"));
        assert_eq!(ChargeId::parse(first.as_str()), Ok(first));
    }

    #[test]
    fn parsers_are_strict() {
        for text in ["", "ch_", "pi_1", "ch_a b", "ch_\u{e9}", "ch_1\0", "ch_'--"] {
            assert!(ChargeId::parse(text).is_err(), "{text:?}");
        }
        assert!(ChargeId::parse(&format!("ch_{}", "a".repeat(65))).is_err());
    }
}
