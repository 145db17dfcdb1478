//! Top-ups: money that a merchant's own bank adds to the balance.
//!
//! Source: <https://docs.stripe.com/api/topups/object>, <https://docs.stripe.com/connect/top-ups>.

use serde::{Deserialize, Serialize};

use crate::id::{BalanceTransactionId, TopupId};
use crate::metadata::Metadata;
use crate::money::Money;
use crate::payout::FailureCode;
use crate::timestamp::Timestamp;

/// Where a top-up stands. One that succeeded is reversed when the bank takes it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "topup_status"))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The bank was asked.
    Pending,
    /// It gave the money.
    Succeeded,
    /// It refused.
    Failed,
    /// The merchant stopped it before the bank gave anything.
    Canceled,
    /// The bank took it back.
    Reversed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Succeeded, Self::Failed, Self::Canceled, Self::Reversed];

    /// The name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Reversed => "reversed",
        }
    }

    /// Whether the listed transition exists.
    pub fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Pending, Self::Succeeded | Self::Failed | Self::Canceled)
                | (Self::Succeeded, Self::Reversed)
        )
    }
}

/// Money that a merchant's own bank adds to the balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topup {
    /// Its identifier.
    pub id: TopupId,
    /// Whether it moves real money.
    pub livemode: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Counts its changes; a change names the version that it saw.
    pub version: i64,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub status: Status,
    /// The rest.
    pub details: Details,
}

/// What is only echoed of a top-up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Details {
    pub balance_transaction: Option<BalanceTransactionId>,
    pub description: Option<String>,
    pub expected_availability_date: Option<Timestamp>,
    pub failure_code: Option<FailureCode>,
    pub metadata: Metadata,
    pub statement_descriptor: Option<String>,
    pub transfer_group: Option<String>,
    /// Why the bank will refuse, where it will.
    pub fails: Option<FailureCode>,
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
                ("pending", "succeeded"),
                ("pending", "failed"),
                ("pending", "canceled"),
                ("succeeded", "reversed"),
            ]
        );
    }
}
