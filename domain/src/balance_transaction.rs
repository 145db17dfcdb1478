//! Balance transactions: each movement of a merchant's balance, as merchants see it.
//!
//! Each has the same cause as a transaction of the ledger, from which its id is derived, so that one
//! leads to the other. Sources: <https://docs.stripe.com/reports/balance-transaction-types>,
//! <https://docs.stripe.com/reports/reporting-categories>.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::{BalanceTransactionId, Id, base62};
use crate::money::{AmountOutOfRange, Currency, SignedAmount};
use crate::timestamp::Timestamp;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $kind_of_type:literal, $category:literal;)*) => {
        /// What moved a balance.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Kind {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)*
        }

        impl Kind {
            /// The name in the database.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// Reads a name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$kind),)*
                    _ => None,
                }
            }

            /// The `type` in the API.
            pub fn type_name(self) -> &'static str {
                match self {
                    $(Self::$kind => $kind_of_type,)*
                }
            }

            /// The `reporting_category` in the API and in reports.
            pub fn reporting_category(self) -> &'static str {
                match self {
                    $(Self::$kind => $category,)*
                }
            }

            /// The names in the database behind a `type` of the API.
            pub fn names_of_type(type_name: &str) -> Vec<&'static str> {
                let all = [$(($name, $kind_of_type),)*];
                all.into_iter().filter(|(_, t)| *t == type_name).map(|(name, _)| name).collect()
            }
        }
    };
}

kinds! {
    /// Money was taken from a card.
    Charge = "charge", "charge", "charge";
    /// Money went back to a card.
    Refund = "refund", "refund", "refund";
    /// What went back to a card came back.
    RefundFailure = "refund_failure", "refund_failure", "refund_failure";
    /// A cardholder disputes a charge.
    Dispute = "dispute", "adjustment", "dispute";
    /// The merchant won.
    DisputeReversal = "dispute_reversal", "adjustment", "dispute_reversal";
    /// The merchant's bank added money.
    Topup = "topup", "topup", "topup";
    /// The merchant's bank took back what it had added.
    TopupReversal = "topup_reversal", "topup_reversal", "topup_reversal";
    /// Money went to a connected account.
    Transfer = "transfer", "transfer", "transfer";
    /// Some of it came back.
    TransferRefund = "transfer_refund", "transfer_refund", "transfer_reversal";
    /// Money came from the platform that the account is connected to.
    Payment = "payment", "payment", "charge";
    /// Some of it went back there.
    PaymentRefund = "payment_refund", "payment_refund", "refund";
    /// Money left for the merchant's bank.
    Payout = "payout", "payout", "payout";
    /// The same by the account's schedule: it is no part of what the next such payout carries.
    AutomaticPayout = "automatic_payout", "payout", "payout";
    /// A payout is taken back from the merchant's bank.
    PayoutReversal = "payout_reversal", "payout", "payout_reversal";
    /// A payout was canceled before it left.
    PayoutCancel = "payout_cancel", "payout_cancel", "payout_reversal";
    /// The merchant's bank did not take it, or sent it back.
    PayoutFailure = "payout_failure", "payout_failure", "payout_reversal";
    /// What the merchant's bank does not take of a payout by the account's schedule stays.
    PayoutHold = "payout_hold", "payout_minimum_balance_hold", "other_adjustment";
    /// It is there for the next one.
    PayoutRelease = "payout_release", "payout_minimum_balance_release", "other_adjustment";
}

/// A part of what was paid for a transaction (<https://docs.stripe.com/api/balance_transactions/object>).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeDetail {
    /// Minor units, negative where it is given back.
    pub amount: SignedAmount,
    /// `stripe_fee` for the platform's own, `application_fee` for that of the merchant's platform.
    #[serde(rename = "type")]
    pub kind: FeeKind,
}

/// Whose fee it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum FeeKind {
    /// The platform's: the SDKs know it as Stripe's.
    StripeFee,
    /// That of the merchant's own platform.
    ApplicationFee,
}

/// A movement of a merchant's balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceTransaction {
    /// Its identifier.
    pub id: BalanceTransactionId,
    /// When it was made.
    pub created: Timestamp,
    /// What moved it.
    pub kind: Kind,
    /// The currency that it settles in.
    pub currency: Currency,
    /// What came or went, before fees.
    pub amount: SignedAmount,
    /// What was paid for it; negative where a fee is given back.
    pub fee: SignedAmount,
    /// From when on it counts as available.
    pub available_on: Timestamp,
    /// The object behind it.
    pub source: Option<String>,
    /// The rest.
    pub details: Details,
}

/// What is only echoed of a balance transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// What its source says of itself.
    pub description: Option<String>,
    /// What the fee is made of.
    pub fee_details: Vec<FeeDetail>,
    /// The rate at which it was converted, as a plain decimal.
    pub exchange_rate: Option<String>,
    /// The price plan by which it was priced.
    pub price_plan: Option<i64>,
    /// The ledger's transaction.
    pub cause: String,
}

impl BalanceTransaction {
    /// The identifier of the movement that posts a cause.
    pub fn id_of(cause: &str) -> BalanceTransactionId {
        let digest: [u8; 32] = Sha256::digest(cause.as_bytes()).into();
        let text = format!("{}{}", BalanceTransactionId::PREFIX, base62(&digest));
        BalanceTransactionId::from_checked(text)
    }

    /// What the balance changes by.
    ///
    /// # Errors
    /// Never for a transaction whose amounts are in range.
    pub fn net(&self) -> Result<SignedAmount, AmountOutOfRange> {
        self.amount.minus(self.fee)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_names_its_transaction() {
        let id = BalanceTransaction::id_of("att_1:captured");
        assert_eq!(id, BalanceTransaction::id_of("att_1:captured"));
        assert_ne!(id, BalanceTransaction::id_of("att_2:captured"));
        assert_eq!(BalanceTransactionId::parse(id.as_str()), Ok(id));
    }

    #[test]
    fn both_sides_of_a_dispute_are_adjustments() {
        assert_eq!(Kind::names_of_type("adjustment"), ["dispute", "dispute_reversal"]);
        assert_eq!(Kind::names_of_type("charge"), ["charge"]);
        assert_eq!(Kind::names_of_type("nothing"), Vec::<&str>::new());
    }
}
