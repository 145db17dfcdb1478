//! Payouts: money on its way to the merchant's bank.
//!
//! Source: <https://docs.stripe.com/api/payouts/object>, <https://docs.stripe.com/payouts>.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::{AccountId, BalanceTransactionId, BankAccountId, Id, PayoutId, base62};
use crate::metadata::Metadata;
use crate::money::{AmountOutOfRange, Currency, SignedAmount};
use crate::timestamp::{Day, Timestamp};

/// Where a payout stands. A payout that was paid can still fail when the bank sends it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "payout_status"))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has not left yet.
    Pending,
    /// The bank was told.
    InTransit,
    /// It arrived.
    Paid,
    /// The bank did not take it, or sent it back.
    Failed,
    /// It was stopped before it left.
    Canceled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::InTransit, Self::Paid, Self::Failed, Self::Canceled];

    /// The name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InTransit => "in_transit",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// Whether the listed transition exists.
    pub fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Pending, Self::InTransit | Self::Failed | Self::Canceled)
                | (Self::InTransit, Self::Paid | Self::Failed)
                | (Self::Paid, Self::Failed)
        )
    }
}

/// How fast it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "payout_method"))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are Stripe's")]
pub enum Method {
    #[default]
    Standard,
    Instant,
}

/// What kind of payment brought the money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "payout_source_type")
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are Stripe's")]
pub enum SourceType {
    BankAccount,
    #[default]
    Card,
    Fpx,
}

macro_rules! failure_codes {
    ($($code:ident = $name:literal, $number:literal, $token:literal, $message:literal;)*) => {
        /// Why a bank did not take a payout (<https://docs.stripe.com/api/payouts/failures>).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[expect(missing_docs, reason = "the names are Stripe's")]
        pub enum FailureCode {
            $($code,)*
        }

        impl FailureCode {
            /// The name in the API.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }

            /// The sentence for people.
            pub fn message(self) -> &'static str {
                match self {
                    $(Self::$code => $message,)*
                }
            }

            /// What a test number stands for.
            pub fn of_number(number: &str) -> Option<Self> {
                match number {
                    $($number => Some(Self::$code),)*
                    _ => None,
                }
            }

            /// The test number that a built-in token stands for, if there is such a token.
            pub fn number_of_token(token: &str) -> Option<&'static str> {
                match token {
                    "btok_us" | "btok_us_verified" => Some(crate::bank_account::TEST_ACCOUNT_NUMBER),
                    $($token => Some($number),)*
                    _ => None,
                }
            }
        }
    };
}

failure_codes! {
    AccountClosed = "account_closed", "000111111113", "btok_us_verified_accountClosed",
        "The bank account has been closed.";
    DebitNotAuthorized = "debit_not_authorized", "000333333335",
        "btok_us_verified_debitNotAuthorized",
        "Debit transactions are not approved on your bank account. (Stripe requires bank accounts to \
         be set up for both credit and debit payouts.)";
    InsufficientFunds = "insufficient_funds", "000222222227", "btok_us_verified_insufficientFunds",
        "Your Stripe account has insufficient funds to cover the payout.";
    InvalidCurrency = "invalid_currency", "000444444440", "btok_us_verified_invalidCurrency",
        "The bank was unable to process this payout because of its currency. This is probably because \
         the bank account cannot accept payments in that currency.";
    NoAccount = "no_account", "000111111116", "btok_us_verified_noAccount",
        "The bank account details on file are probably incorrect. No bank account could be located \
         with those details.";
}

/// Money on its way to a merchant's bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    /// Its identifier.
    pub id: PayoutId,
    /// Whether it moves real money.
    pub livemode: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Counts its changes; a change names the version that it saw.
    pub version: i64,
    /// How much; negative where it takes an earlier payout back.
    pub amount: SignedAmount,
    /// Its currency.
    pub currency: Currency,
    /// Where it stands.
    pub status: Status,
    /// When the bank has it.
    pub arrival_date: Timestamp,
    /// Whether the account's schedule made it.
    pub automatic: bool,
    /// The bank account that it goes to.
    pub destination: BankAccountId,
    /// The rest.
    pub details: Details,
}

/// What is only echoed of a payout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Details {
    pub balance_transaction: Option<BalanceTransactionId>,
    pub description: Option<String>,
    pub failure_balance_transaction: Option<BalanceTransactionId>,
    pub failure_code: Option<FailureCode>,
    pub metadata: Metadata,
    pub method: Method,
    pub original_payout: Option<PayoutId>,
    pub reversed_by: Option<PayoutId>,
    pub source_type: SourceType,
    pub statement_descriptor: Option<String>,
    /// The days whose money an automatic payout carries.
    pub covers: Option<Days>,
}

/// Days from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Days {
    /// The first.
    pub from: Day,
    /// The last.
    pub through: Day,
}

/// The id of the payout that an account's schedule makes in a currency on a day: the same whoever makes
/// it, so that it is made once.
pub fn scheduled_id(account: &AccountId, currency: Currency, day: Day) -> PayoutId {
    let named = format!("scheduled:{account}:{currency}:{}", day.0);
    let digest: [u8; 32] = Sha256::digest(named.as_bytes()).into();
    PayoutId::from_checked(format!("{}{}", PayoutId::PREFIX, base62(&digest)))
}

/// What is to be taken of the days on which money became available, so that it makes this amount: the
/// oldest days first, and what was owed on a day before all else. Nothing where there is less than that.
///
/// `funds` says what each day holds: positive is the merchant's.
///
/// # Errors
/// Never for balances in range.
pub fn taken(
    funds: &BTreeMap<Day, SignedAmount>,
    amount: SignedAmount,
) -> Result<Option<Vec<(Day, SignedAmount)>>, AmountOutOfRange> {
    let mut missing = amount;
    let mut parts = BTreeMap::new();
    for (day, owed) in funds.iter().filter(|(_, held)| **held < SignedAmount::ZERO) {
        missing = missing.minus(*owed)?;
        parts.insert(*day, *owed);
    }
    for (day, held) in funds.iter().filter(|(_, held)| **held > SignedAmount::ZERO) {
        if missing.is_zero() {
            break;
        }
        let part = (*held).min(missing);
        missing = missing.minus(part)?;
        parts.insert(*day, part);
    }
    Ok(missing.is_zero().then(|| parts.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_transitions_exist() {
        let listed: Vec<_> = Status::ALL
            .into_iter()
            .flat_map(|from| Status::ALL.into_iter().map(move |to| (from, to)))
            .filter(|(from, to)| from.may_become(*to))
            .map(|(from, to)| (from.name(), to.name()))
            .collect();
        assert_eq!(
            listed,
            [
                ("pending", "in_transit"),
                ("pending", "failed"),
                ("pending", "canceled"),
                ("in_transit", "paid"),
                ("in_transit", "failed"),
                ("paid", "failed"),
            ]
        );
    }

    fn amount(minor_units: i64) -> SignedAmount {
        SignedAmount::new(minor_units).expect("an amount")
    }

    fn days(held: &[(i64, i64)]) -> BTreeMap<Day, SignedAmount> {
        held.iter().map(|(day, minor_units)| (Day(*day), amount(*minor_units))).collect()
    }

    #[test]
    fn the_oldest_days_are_taken_first_and_what_is_owed_before_all() {
        let taken = |held: &[(i64, i64)], wanted| {
            taken(&days(held), amount(wanted)).expect("in range").map(|parts| {
                parts.iter().map(|(day, part)| (day.0, part.minor_units())).collect::<Vec<_>>()
            })
        };
        assert_eq!(taken(&[(1, 50), (2, 60)], 70), Some(vec![(1, 50), (2, 20)]));
        assert_eq!(taken(&[(1, 50), (2, 60)], 50), Some(vec![(1, 50)]));
        assert_eq!(taken(&[(1, 50), (2, 60)], 111), None);
        assert_eq!(
            taken(&[(1, 50), (2, -20), (3, 60)], 60),
            Some(vec![(1, 50), (2, -20), (3, 30)])
        );
        assert_eq!(taken(&[(1, 50), (2, -20)], 31), None);
        assert_eq!(taken(&[], 1), None);
    }
}
