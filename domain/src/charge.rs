//! Charges: money held or taken from a card, and how much of it went back.

use serde::{Deserialize, Serialize};

use crate::card::{Card, Decline};
use crate::id::{ChargeId, CustomerId, PaymentIntentId, PaymentMethodId};
use crate::metadata::Metadata;
use crate::money::{Amount, AmountOutOfRange, Money};
use crate::payment_intent::Shipping;
use crate::payment_method::BillingDetails;
use crate::timestamp::Timestamp;

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
    /// Whether a cardholder disputes it.
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
    /// A charge of the legacy API shows its source.
    pub source: Option<String>,
    /// Whether the money is (or was to be) taken with the authorisation.
    pub captures_automatically: bool,
    /// Whether several captures were asked for.
    pub multicapture: bool,
    /// Whether raising the authorisation was asked for.
    pub incremental: bool,
    /// What the simulator will do with it later: a dispute, or a refund that fails.
    pub later: Option<String>,
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

/// Why a charge cannot be refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundRefusal {
    /// Nothing was taken yet.
    #[error("the charge is not captured")]
    NotCaptured,
    /// Nothing is left.
    #[error("the charge is fully refunded")]
    AlreadyRefunded,
    /// A cardholder disputes it.
    #[error("the charge is disputed")]
    Disputed,
    /// More than is left.
    #[error("more than is left to refund")]
    TooMuch {
        /// What is left.
        unrefunded: Amount,
    },
}

impl Charge {
    /// Whether any of it was taken.
    pub fn is_captured(&self) -> bool {
        !self.captured.is_zero()
    }

    /// What may still be given back.
    pub fn refundable(&self) -> Amount {
        self.captured.minus(self.refunded).unwrap_or(Amount::ZERO)
    }

    /// What is held and not yet taken or let go of.
    pub fn capturable(&self) -> Amount {
        if self.status != Status::Succeeded {
            return Amount::ZERO;
        }
        self.amount
            .amount
            .minus(self.captured)
            .and_then(|rest| rest.minus(self.released))
            .unwrap_or(Amount::ZERO)
    }

    /// What Stripe shows as refunded: what went back, and what was let go of uncaptured.
    pub fn amount_refunded(&self) -> Amount {
        self.refunded.plus(self.released).unwrap_or(self.refunded)
    }

    /// Takes held money; unless more parts follow, lets go of the rest.
    ///
    /// # Errors
    /// When more is taken than is held.
    pub fn capture(&mut self, amount: Amount, is_final: bool) -> Result<(), AmountOutOfRange> {
        let rest = self.capturable().minus(amount)?;
        self.captured = self.captured.plus(amount)?;
        if is_final {
            self.released = self.released.plus(rest)?;
        }
        Ok(())
    }

    /// Lets go of all that is held.
    ///
    /// # Errors
    /// Never for a charge whose amounts hold together.
    pub fn release(&mut self) -> Result<(), AmountOutOfRange> {
        self.released = self.released.plus(self.capturable())?;
        Ok(())
    }

    /// Sets money aside for a refund: all that is left unless an amount is named.
    ///
    /// # Errors
    /// When the charge is uncaptured, disputed, or holds less.
    pub fn reserve_refund(&mut self, amount: Option<Amount>) -> Result<Amount, RefundRefusal> {
        if !self.is_captured() {
            return Err(RefundRefusal::NotCaptured);
        }
        if self.disputed {
            return Err(RefundRefusal::Disputed);
        }
        let unrefunded = self.refundable();
        if unrefunded.is_zero() {
            return Err(RefundRefusal::AlreadyRefunded);
        }
        let amount = amount.unwrap_or(unrefunded);
        if amount > unrefunded {
            return Err(RefundRefusal::TooMuch { unrefunded });
        }
        self.refunded =
            self.refunded.plus(amount).map_err(|_| RefundRefusal::TooMuch { unrefunded })?;
        Ok(amount)
    }

    /// A refund failed or was canceled: its money is the merchant's again.
    ///
    /// # Errors
    /// When more comes back than went.
    pub fn return_refund(&mut self, amount: Amount) -> Result<(), AmountOutOfRange> {
        self.refunded = self.refunded.minus(amount)?;
        Ok(())
    }
}
