//! What may happen to a charge, and what becomes of its sums.

use super::{Booked, CaptureRefusal, Charge, Disputed, RefundRefusal, Status};
use crate::dispute::{self, Dispute};
use crate::id::AttemptId;
use crate::money::{Amount, AmountOutOfRange, Money};
use crate::timestamp::Timestamp;

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

    /// Where its receipt is to be sent, unless it was already or cannot be: once any of it was taken.
    pub fn receipt_wanted_by(&self) -> Option<&str> {
        let sent_to = self.details.receipt_sent.as_ref().map(|sent| sent.to.as_str());
        let over = [sent_to, self.details.receipt_failed.as_deref()];
        let email = self.details.receipt_email.as_deref();
        email.filter(|email| self.is_captured() && !over.contains(&Some(*email)))
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

    /// Notes what its processor gave back unasked, which is gone whatever a dispute withholds.
    ///
    /// # Errors
    /// When that is more than was taken and not given back before.
    pub fn gave_back(&mut self, amount: Amount) -> Result<(), AmountOutOfRange> {
        self.captured.minus(self.refunded)?.minus(amount)?;
        self.refunded = self.refunded.plus(amount)?;
        Ok(())
    }

    /// What the platform gives back of its fee with the refund that was set aside last.
    pub fn return_fee(&mut self) -> Amount {
        let booked = &mut self.details.booked;
        let Booked { fee, fee_returned, on_refund, .. } = *booked;
        let captured = Money { amount: self.captured, currency: self.amount.currency };
        let returned = on_refund.fee_returned(fee, captured, self.refunded, fee_returned);
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
