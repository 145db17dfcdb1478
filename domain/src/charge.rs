//! Charges: money held or taken from a card, and how much of it went back.

use serde::{Deserialize, Serialize};

use crate::card::{Card, Decline};
use crate::dispute::{self, Dispute};
use crate::id::{
    AttemptId, BalanceTransactionId, ChargeId, CustomerId, DisputeId, PaymentIntentId,
    PaymentMethodId,
};
use crate::metadata::Metadata;
use crate::money::{Amount, AmountOutOfRange, Money};
use crate::payment_intent::Shipping;
use crate::payment_method::BillingDetails;
use crate::pricing::FeeOnRefund;
use crate::timestamp::{Day, Timestamp};

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
    /// A part that the currency does not allow.
    #[error("not a multiple that the currency allows")]
    NotMultiple,
}

/// Why the money that a charge holds cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureRefusal {
    /// Another operation holds the charge.
    #[error("another operation holds the charge")]
    Locked,
    /// It never held anything.
    #[error("the charge did not succeed")]
    NotSucceeded,
    /// It was taken already.
    #[error("the charge is captured")]
    AlreadyCaptured,
    /// It was held for too long.
    #[error("the authorization has expired")]
    Expired,
    /// It was let go of.
    #[error("the authorization was released")]
    Released,
    /// More than is held.
    #[error("more than is held")]
    TooMuch {
        /// What is held.
        capturable: Amount,
    },
    /// A part that the currency does not allow.
    #[error("not a multiple that the currency allows")]
    NotMultiple,
}

impl Charge {
    /// Whether any of it was taken.
    pub fn is_captured(&self) -> bool {
        !self.captured.is_zero()
    }

    /// Whether it was taken, and nothing more can be: what Stripe calls captured
    /// (<https://docs.stripe.com/payments/multicapture#charge-captured-events>).
    pub fn is_finally_captured(&self) -> bool {
        self.is_captured() && self.capturable().is_zero()
    }

    /// What may still be given back: neither a refund nor a chargeback took it.
    pub fn refundable(&self) -> Amount {
        self.captured
            .minus(self.refunded)
            .and_then(|rest| rest.minus(self.charged_back()))
            .unwrap_or(Amount::ZERO)
    }

    /// What a chargeback took that is open or lost.
    pub fn charged_back(&self) -> Amount {
        match &self.details.dispute {
            Some(Disputed { status, amount, .. })
                if status.withholds() || *status == dispute::Status::Lost =>
            {
                *amount
            }
            _ => Amount::ZERO,
        }
    }

    /// Whether a chargeback of it is open.
    pub fn is_withheld(&self) -> bool {
        self.details.dispute.as_ref().is_some_and(|dispute| dispute.status.withholds())
    }

    /// Notes how its dispute stands.
    pub fn follow(&mut self, dispute: &Dispute) {
        self.disputed = true;
        self.details.dispute = Some(Disputed {
            id: dispute.id.clone(),
            status: dispute.status,
            amount: dispute.amount.amount,
        });
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

    /// What Stripe shows as refunded: what went back. What was let go of uncaptured is no refund,
    /// unless a refund of a charge without an intent was what let go of it
    /// (<https://docs.stripe.com/changelog/basil/2025-03-31/remove-refund-from-partial-capture-and-payment-cancellation-flow>).
    pub fn amount_refunded(&self) -> Amount {
        if self.details.released_by_refund {
            self.refunded.plus(self.released).unwrap_or(self.refunded)
        } else {
            self.refunded
        }
    }

    /// Whether all that could be given back was, and nothing more can be taken
    /// (<https://docs.stripe.com/payments/multicapture#refunds>).
    pub fn is_refunded(&self) -> bool {
        self.details.released_by_refund
            || self.is_finally_captured() && self.refunded == self.captured
    }

    /// Whether a refund lets go of held money instead of giving back what was taken: a charge without
    /// an intent has nothing else that could be canceled.
    pub fn is_released_by_refund(&self) -> bool {
        self.payment_intent.is_none() && !self.is_captured() && !self.capturable().is_zero()
    }

    /// How much a capture takes: all that is held unless an amount is named.
    ///
    /// # Errors
    /// When the charge holds nothing (any more), or less, or the currency does not allow such a part.
    pub fn check_capture(
        &self,
        amount: Option<Amount>,
        now: Timestamp,
    ) -> Result<Amount, CaptureRefusal> {
        if self.details.pending_operation.is_some() {
            return Err(CaptureRefusal::Locked);
        }
        if self.status != Status::Succeeded {
            return Err(CaptureRefusal::NotSucceeded);
        }
        if self.is_captured() {
            return Err(CaptureRefusal::AlreadyCaptured);
        }
        if self.details.capture_before.is_some_and(|end| end <= now) {
            return Err(CaptureRefusal::Expired);
        }
        let capturable = self.capturable();
        if capturable.is_zero() {
            return Err(CaptureRefusal::Released);
        }
        let amount = amount.unwrap_or(capturable);
        if amount > capturable {
            return Err(CaptureRefusal::TooMuch { capturable });
        }
        if !self.allows_part(amount, capturable) {
            return Err(CaptureRefusal::NotMultiple);
        }
        Ok(amount)
    }

    /// Whether so much may be moved of what there is: all of it always may.
    fn allows_part(&self, part: Amount, whole: Amount) -> bool {
        part == whole || self.amount.currency.allows(part)
    }

    /// The operation that held the charge is over.
    pub fn end_operation(&mut self, attempt: &AttemptId) {
        if self.details.pending_operation.as_ref() == Some(attempt) {
            self.details.pending_operation = None;
        }
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
    /// When the charge is uncaptured, disputed, or holds less, or the currency does not allow such a
    /// part.
    pub fn reserve_refund(&mut self, amount: Option<Amount>) -> Result<Amount, RefundRefusal> {
        if !self.is_captured() {
            return Err(RefundRefusal::NotCaptured);
        }
        let unrefunded = self.refundable();
        // What a lost dispute took is not the merchant's to give back.
        // A dispute that is not known here was written, or its details lost, by another version.
        let is_unknown = self.disputed && self.details.dispute.is_none();
        if is_unknown
            || self.is_withheld()
            || unrefunded.is_zero() && !self.charged_back().is_zero()
        {
            return Err(RefundRefusal::Disputed);
        }
        if unrefunded.is_zero() {
            return Err(RefundRefusal::AlreadyRefunded);
        }
        let amount = amount.unwrap_or(unrefunded);
        if amount > unrefunded {
            return Err(RefundRefusal::TooMuch { unrefunded });
        }
        if !self.allows_part(amount, unrefunded) {
            return Err(RefundRefusal::NotMultiple);
        }
        self.refunded =
            self.refunded.plus(amount).map_err(|_| RefundRefusal::TooMuch { unrefunded })?;
        Ok(amount)
    }

    /// What the platform gives back of its fee with the refund that was set aside last.
    pub fn return_fee(&mut self) -> Amount {
        let booked = &mut self.details.booked;
        let Booked { fee, fee_returned, on_refund, .. } = *booked;
        let returned = on_refund.fee_returned(fee, self.captured, self.refunded, fee_returned);
        booked.fee_returned = fee_returned.plus(returned).unwrap_or(fee_returned);
        returned
    }

    /// A refund failed or was canceled: its money is the merchant's again, and the platform's fee the
    /// platform's.
    ///
    /// # Errors
    /// When more comes back than went.
    pub fn return_refund(
        &mut self,
        amount: Amount,
        fee_returned: Amount,
    ) -> Result<(), AmountOutOfRange> {
        let refunded = self.refunded.minus(amount)?;
        let booked = &mut self.details.booked;
        booked.fee_returned = booked.fee_returned.minus(fee_returned)?;
        self.refunded = refunded;
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "the model counts far below its range")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::Id;
    use crate::money::Currency;

    fn amount(minor_units: i64) -> Amount {
        Amount::new(minor_units).expect("an amount")
    }

    fn held(minor_units: i64) -> Charge {
        Charge {
            id: ChargeId::parse("ch_1").expect("an id"),
            livemode: false,
            created: Timestamp(0),
            version: 1,
            amount: Money {
                amount: amount(minor_units),
                currency: Currency::parse("usd").expect("a currency"),
            },
            captured: Amount::ZERO,
            released: Amount::ZERO,
            refunded: Amount::ZERO,
            status: Status::Succeeded,
            disputed: false,
            payment_intent: None,
            customer: None,
            payment_method: None,
            details: Details { capture_before: Some(Timestamp(100)), ..Details::default() },
        }
    }

    /// What can happen to a charge's money.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Capture { amount: i64, is_final: bool },
        Release,
        ReserveRefund { amount: Option<i64> },
        ReturnRefund { amount: i64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..150_i64, any::<bool>())
                .prop_map(|(amount, is_final)| Step::Capture { amount, is_final }),
            Just(Step::Release),
            proptest::option::of(1..150_i64).prop_map(|amount| Step::ReserveRefund { amount }),
            (1..150_i64).prop_map(|amount| Step::ReturnRefund { amount }),
        ]
    }

    /// The same in the plainest arithmetic.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    struct Model {
        amount: i64,
        captured: i64,
        released: i64,
        refunded: i64,
    }

    impl Model {
        fn of(charge: &Charge) -> Self {
            Self {
                amount: charge.amount.amount.minor_units(),
                captured: charge.captured.minor_units(),
                released: charge.released.minor_units(),
                refunded: charge.refunded.minor_units(),
            }
        }

        /// Does the step where it is possible, and says whether it is.
        fn take(&mut self, step: Step) -> bool {
            let held = self.amount - self.captured - self.released;
            let unrefunded = self.captured - self.refunded;
            match step {
                Step::Capture { amount, .. } if amount > held => return false,
                Step::Capture { amount, is_final } => {
                    self.captured += amount;
                    self.released += if is_final { held - amount } else { 0 };
                }
                Step::Release => self.released += held,
                Step::ReserveRefund { .. } if unrefunded == 0 => return false,
                Step::ReserveRefund { amount: Some(amount) } if amount > unrefunded => {
                    return false;
                }
                Step::ReserveRefund { amount } => self.refunded += amount.unwrap_or(unrefunded),
                Step::ReturnRefund { amount } if amount > self.refunded => return false,
                Step::ReturnRefund { amount } => self.refunded -= amount,
            }
            true
        }
    }

    fn take(charge: &mut Charge, step: Step) -> bool {
        match step {
            Step::Capture { amount: taken, is_final } => {
                charge.capture(amount(taken), is_final).is_ok()
            }
            Step::Release => charge.release().is_ok(),
            Step::ReserveRefund { amount: wanted } => {
                charge.reserve_refund(wanted.map(amount)).is_ok()
            }
            Step::ReturnRefund { amount: returned } => {
                charge.return_refund(amount(returned), Amount::ZERO).is_ok()
            }
        }
    }

    proptest! {
        #[test]
        fn sums_hold_whatever_happens(steps in proptest::collection::vec(step(), 0..40)) {
            let mut charge = held(100);
            let mut model = Model::of(&charge);
            for step in steps {
                let before = charge.clone();
                let possible = take(&mut charge, step);
                prop_assert_eq!(possible, model.take(step), "{:?} on {:?}", step, before);
                if !possible {
                    prop_assert_eq!(&charge, &before, "a refused {:?} changed something", step);
                }
                prop_assert_eq!(Model::of(&charge), model);
                prop_assert!(model.captured + model.released <= model.amount);
                prop_assert!(model.refunded <= model.captured);
                prop_assert_eq!(
                    charge.capturable().minor_units(),
                    model.amount - model.captured - model.released
                );
                prop_assert_eq!(charge.amount_refunded().minor_units(), model.refunded);
                prop_assert_eq!(
                    charge.is_refunded(),
                    model.captured > 0
                        && model.captured + model.released == model.amount
                        && model.refunded == model.captured
                );
            }
        }
    }

    #[test]
    fn sixty_and_sixty_of_a_hundred_do_not_both_go_back() {
        let mut charge = held(100);
        charge.capture(amount(100), true).expect("it is held");
        assert_eq!(charge.reserve_refund(Some(amount(60))), Ok(amount(60)));
        assert_eq!(
            charge.reserve_refund(Some(amount(60))),
            Err(RefundRefusal::TooMuch { unrefunded: amount(40) })
        );
        assert_eq!(charge.reserve_refund(None), Ok(amount(40)));
        assert_eq!(charge.reserve_refund(None), Err(RefundRefusal::AlreadyRefunded));
    }

    #[test]
    fn a_part_must_be_one_that_its_currency_allows_and_the_rest_need_not_be() {
        let mut charge = held(1500);
        charge.amount.currency = Currency::parse("kwd").expect("a currency");
        let now = Timestamp(50);
        let part = Some(amount(1005));
        assert_eq!(charge.check_capture(part, now), Err(CaptureRefusal::NotMultiple));
        assert_eq!(charge.check_capture(Some(amount(1010)), now), Ok(amount(1010)));
        charge.capture(amount(1500), true).expect("it is held");
        assert_eq!(charge.reserve_refund(part), Err(RefundRefusal::NotMultiple));
        // What an older refund left odd can still go back.
        charge.refunded = amount(495);
        assert_eq!(charge.reserve_refund(part), Ok(amount(1005)));
    }

    #[test]
    fn what_a_chargeback_took_is_not_refunded() {
        use dispute::Status as S;
        let mut charge = held(100);
        charge.capture(amount(100), true).expect("it is held");
        charge.refunded = amount(30);
        let id = Dispute::id_of(&charge.id);
        let mut disputed = |status, minor_units| {
            let dispute = Disputed { id: id.clone(), status, amount: amount(minor_units) };
            charge.details.dispute = Some(dispute);
            charge.clone().reserve_refund(None)
        };
        for status in [S::WarningNeedsResponse, S::WarningUnderReview, S::WarningClosed, S::Won] {
            assert_eq!(disputed(status, 70), Ok(amount(70)), "{status:?}");
        }
        for status in [S::NeedsResponse, S::UnderReview, S::Lost] {
            assert_eq!(disputed(status, 70), Err(RefundRefusal::Disputed), "{status:?}");
        }
        assert_eq!(disputed(S::UnderReview, 50), Err(RefundRefusal::Disputed));
        assert_eq!(disputed(S::Lost, 50), Ok(amount(20)));
    }

    #[test]
    fn a_capture_says_why_it_is_refused() {
        let now = Timestamp(50);
        let charge = held(100);
        assert_eq!(charge.check_capture(None, now), Ok(amount(100)));
        assert_eq!(charge.check_capture(Some(amount(30)), now), Ok(amount(30)));
        let refused = |change: fn(&mut Charge)| {
            let mut charge = held(100);
            change(&mut charge);
            charge.check_capture(None, now).expect_err("a refusal")
        };
        assert_eq!(refused(|charge| charge.status = Status::Failed), CaptureRefusal::NotSucceeded);
        assert_eq!(refused(|charge| charge.captured = amount(30)), CaptureRefusal::AlreadyCaptured);
        assert_eq!(refused(|charge| charge.released = amount(100)), CaptureRefusal::Released);
        assert_eq!(
            refused(|charge| charge.details.capture_before = Some(Timestamp(50))),
            CaptureRefusal::Expired
        );
        assert_eq!(
            refused(|charge| charge.details.pending_operation = AttemptId::parse("att_1").ok()),
            CaptureRefusal::Locked
        );
        assert_eq!(
            charge.check_capture(Some(amount(101)), now),
            Err(CaptureRefusal::TooMuch { capturable: amount(100) })
        );
    }

    #[test]
    fn only_its_own_attempt_lets_go_of_a_charge() {
        let mut charge = held(100);
        let holder = AttemptId::parse("att_1").expect("an id");
        charge.details.pending_operation = Some(holder.clone());
        charge.end_operation(&AttemptId::parse("att_2").expect("an id"));
        assert_eq!(charge.details.pending_operation.as_ref(), Some(&holder));
        charge.end_operation(&holder);
        assert_eq!(charge.details.pending_operation, None);
    }
}
