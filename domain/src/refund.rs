//! Refunds: money on its way back to the card.

use serde::{Deserialize, Serialize};

use crate::id::{AttemptId, BalanceTransactionId, ChargeId, PaymentIntentId, RefundId};
use crate::metadata::Metadata;
use crate::money::{Amount, Money};
use crate::timestamp::Timestamp;

/// Where a refund stands. A refund that succeeded can still fail when the card's bank sends it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "refund_status"))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// On its way.
    Pending,
    /// The customer has to do something.
    RequiresAction,
    /// Given back.
    Succeeded,
    /// It came back to the merchant.
    Failed,
    /// It was stopped before it left.
    Canceled,
}

impl Status {
    /// The name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::RequiresAction => "requires_action",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// Whether the listed transition exists.
    pub fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Pending | Self::RequiresAction, Self::Succeeded | Self::Failed | Self::Canceled)
                | (Self::Pending, Self::RequiresAction)
                | (Self::Succeeded, Self::Failed)
        )
    }
}

/// Why a refund failed, in Stripe's words.
const FAILURE_REASONS: [&str; 7] = [
    "charge_for_pending_refund_disputed",
    "declined",
    "expired_or_canceled_card",
    "insufficient_funds",
    "lost_or_stolen_card",
    "merchant_request",
    "unknown",
];

/// Why money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "refund_reason"))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are Stripe's")]
pub enum Reason {
    Duplicate,
    Fraudulent,
    RequestedByCustomer,
}

/// Money on its way back to the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Its identifier.
    pub id: RefundId,
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
    /// The charge that it gives back.
    pub charge: ChargeId,
    /// That charge's intent.
    pub payment_intent: Option<PaymentIntentId>,
    /// The attempt that carries it out, while the processor has not answered.
    pub pending_operation: Option<AttemptId>,
    /// The rest.
    pub details: Details,
}

impl Refund {
    /// Whether it has neither arrived nor come back.
    pub fn is_on_its_way(&self) -> bool {
        matches!(self.status, Status::Pending | Status::RequiresAction)
    }

    /// Why it failed, in Stripe's words (<https://docs.stripe.com/refunds#failed-refunds>); a processor may have others.
    pub fn failure_reason(&self) -> Option<&str> {
        let why = self.details.failure_reason.as_deref()?;
        Some(if FAILURE_REASONS.contains(&why) { why } else { "unknown" })
    }
}

/// What is only echoed of a refund.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Details {
    pub reason: Option<Reason>,
    pub metadata: Metadata,
    /// In its processor's own words.
    pub failure_reason: Option<String>,
    pub instructions_email: Option<String>,
    pub processor_reference: Option<String>,
    /// The attempt that its processor is asked after, while it is on its way there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptId>,
    /// What the platform gives back of its fee with it.
    pub fee_returned: Amount,
    pub balance_transaction: Option<BalanceTransactionId>,
    pub failure_balance_transaction: Option<BalanceTransactionId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Status; 5] = [
        Status::Pending,
        Status::RequiresAction,
        Status::Succeeded,
        Status::Failed,
        Status::Canceled,
    ];

    #[test]
    fn only_the_listed_transitions_exist() {
        let listed: Vec<_> = ALL
            .into_iter()
            .flat_map(|from| ALL.into_iter().map(move |to| (from, to)))
            .filter(|(from, to)| from.may_become(*to))
            .map(|(from, to)| (from.name(), to.name()))
            .collect();
        assert_eq!(
            listed,
            [
                ("pending", "requires_action"),
                ("pending", "succeeded"),
                ("pending", "failed"),
                ("pending", "canceled"),
                ("requires_action", "succeeded"),
                ("requires_action", "failed"),
                ("requires_action", "canceled"),
                ("succeeded", "failed"),
            ]
        );
    }

    #[test]
    fn money_that_came_back_never_leaves_again() {
        for end in [Status::Failed, Status::Canceled] {
            assert!(ALL.into_iter().all(|next| !end.may_become(next)), "{end:?}");
        }
    }
}
