//! Charges: money held or taken from a card, and how much of it went back.

mod refusal;
mod rules;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "the model counts far below its range")]
mod tests;

use serde::{Deserialize, Serialize};

use crate::card::{Card, Decline};
use crate::dispute;
use crate::id::{
    AttemptId, BalanceTransactionId, ChargeId, ConnectorAccountId, CustomerId, DisputeId,
    PaymentIntentId, PaymentMethodId,
};
use crate::metadata::Metadata;
use crate::money::{Amount, Money};
use crate::payment_intent::Shipping;
use crate::payment_method::BillingDetails;
use crate::pricing::FeeOnRefund;
use crate::timestamp::{Day, Timestamp};

pub use refusal::{CaptureRefusal, RefundRefusal};

/// Where a charge stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "charge_status"))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The processor will say later.
    Pending,
    /// The money is held or was taken.
    Succeeded,
    /// The issuer said no.
    Failed,
}

impl Status {
    /// The name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// Money held or taken from a card.
///
/// `captured + released <= amount` and `refunded <= captured` hold at every moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Its identifier.
    pub id: ChargeId,
    /// Whether it moved real money.
    pub livemode: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Counts its changes; a change names the version that it saw.
    pub version: i64,
    /// What was authorised.
    pub amount: Money,
    /// What was taken of it.
    pub captured: Amount,
    /// What was let go of without having been taken.
    pub released: Amount,
    /// What was given back, refunds under way included.
    pub refunded: Amount,
    /// Where it stands.
    pub status: Status,
    /// Whether a cardholder ever disputed it.
    pub disputed: bool,
    /// The intent that it was made for.
    pub payment_intent: Option<PaymentIntentId>,
    /// Who paid.
    pub customer: Option<CustomerId>,
    /// With what.
    pub payment_method: Option<PaymentMethodId>,
    /// The rest.
    pub details: Details,
}

/// What is only echoed, or read after the row was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Details {
    pub card: Option<Card>,
    pub billing_details: BillingDetails,
    pub description: Option<String>,
    pub receipt_email: Option<String>,
    pub receipt_url: Option<String>,
    /// The receipt that was sent last.
    pub receipt_sent: Option<ReceiptSent>,
    /// The address that its receipt could not be sent to.
    pub receipt_failed: Option<String>,
    pub shipping: Option<Shipping>,
    pub statement_descriptor: Option<String>,
    pub statement_descriptor_suffix: Option<String>,
    pub calculated_statement_descriptor: Option<String>,
    pub transfer_group: Option<String>,
    pub application_fee_amount: Option<i64>,
    pub on_behalf_of: Option<String>,
    pub metadata: Metadata,
    pub fraud_details: FraudDetails,
    /// Why the issuer said no.
    pub decline: Option<Decline>,
    /// How risky the simulator says it is.
    pub risk: Risk,
    /// Whether the cardholder proved who they are.
    pub authenticated: bool,
    /// When a held authorisation ends.
    pub capture_before: Option<Timestamp>,
    /// The processor's own reference.
    pub processor_reference: Option<String>,
    /// The account at a processor that it was made at, with its connector; none at the built-in simulator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor: Option<Processor>,
    /// A charge of the legacy API shows its source.
    pub source: Option<String>,
    /// Whether the money is (or was to be) taken with the authorisation.
    pub captures_automatically: bool,
    /// Whether several captures were asked for, and the card allows them.
    pub multicapture: bool,
    /// Whether raising the authorisation was asked for.
    pub incremental: bool,
    /// How what was taken stands in the books.
    pub booked: Booked,
    /// The dispute of it, where there is one.
    pub dispute: Option<Disputed>,
    /// What the simulator will do with it later: a dispute, or a refund that fails.
    pub later: Option<String>,
    /// Whether a refund let go of what it held: a charge without an intent has nothing to cancel.
    pub released_by_refund: bool,
    /// The attempt that holds a charge without an intent while a processor is asked to take or let
    /// go of its money. Where there is an intent, that is what is held.
    pub pending_operation: Option<AttemptId>,
}

/// Where a charge was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processor {
    /// The connector.
    pub connector: String,
    /// The account at its processor.
    pub account: ConnectorAccountId,
}

/// A receipt that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptSent {
    /// Its number.
    pub number: String,
    /// To which address.
    pub to: String,
}

/// How a charge stands that a cardholder disputes: as its dispute does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disputed {
    /// The dispute.
    pub id: DisputeId,
    /// Where it stands.
    pub status: dispute::Status,
    /// How much is asked back.
    pub amount: Amount,
}

/// How what was taken of a charge stands in the books; several captures add up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Booked {
    /// The movement of the merchant's balance; of several captures, the last.
    pub balance_transaction: Option<BalanceTransactionId>,
    /// What the platform took.
    pub fee: Amount,
    /// What the merchant's own platform took.
    pub application_fee: Amount,
    /// What the platform gave back of its fee with refunds.
    pub fee_returned: Amount,
    /// What happens to the fee when the charge is refunded.
    pub on_refund: FeeOnRefund,
    /// What a chargeback costs beside its amount.
    pub dispute_fee: Amount,
    /// The price plan by which it was priced.
    pub price_plan: Option<i64>,
    /// From when on the money is available.
    pub available_on: Timestamp,
    /// When the processor settles it.
    pub settles_on: Day,
    /// The account at a processor in whose books it is; none in the simulator's, where all was booked before accounts at
    /// processors had books of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor: Option<ConnectorAccountId>,
}

/// What people and models said of a charge's honesty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct FraudDetails {
    /// The model's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stripe_report: Option<String>,
    /// The merchant's word: `fraudulent` or `safe`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_report: Option<String>,
}

/// How risky a payment looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// As most.
    #[default]
    Normal,
    /// Worth a look.
    Elevated,
    /// To be blocked.
    Highest,
}

impl Risk {
    /// The level and score that Stripe shows for it.
    pub fn level_and_score(self) -> (&'static str, u8) {
        match self {
            Self::Normal => ("normal", 20),
            Self::Elevated => ("elevated", 65),
            Self::Highest => ("highest", 92),
        }
    }
}
