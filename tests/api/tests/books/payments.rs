//! Payments in the model: asked for, taken, let go of, given back.

use crate::model::{
    DAY, Model, NEVER, Outcome, Payment, Refund, SOON, Status, half_up, is_allowed,
};
use crate::operation::{Card, Terms, Way};

impl Terms {
    fn fee(&self, currency: &str, amount: i64) -> i64 {
        // In ten thousandths.
        let fee = (amount * self.basis_points + self.fixed * 10_000).max(self.minimum * 10_000);
        half_up(currency, fee, 10_000).min(amount)
    }
}

impl Model {
    /// A merchant asks for money; `confirms` where a card is charged by the same request.
    pub fn pay(&mut self, payment: Payment, confirms: bool) -> Outcome {
        self.payments.push(payment);
        if confirms { self.charge(self.payments.len() - 1) } else { Ok(()) }
    }

    /// A card is charged, or its money held.
    fn charge(&mut self, at: usize) -> Outcome {
        let payment = &mut self.payments[at];
        if payment.card == Card::Declines {
            return Err("card_declined");
        }
        payment.status = Status::Holding;
        let amount = payment.amount;
        if payment.takes {
            payment.status = Status::Paid;
            self.take(at, amount);
        } else {
            payment.expires_at = self.now + 7 * DAY;
            self.card_holds(at, amount);
        }
        Ok(())
    }

    pub fn confirm(&mut self, at: usize, card: Card) -> Outcome {
        if self.payments[at].status != Status::Unpaid {
            return Err("payment_intent_unexpected_state");
        }
        self.payments[at].card = card;
        self.charge(at)
    }

    /// Money comes from the card.
    fn take(&mut self, at: usize, amount: i64) {
        let payment = &mut self.payments[at];
        let terms = &self.terms[payment.merchant];
        let fee = terms.fee(payment.currency, amount);
        let still_asked = payment.application_fee - payment.application_fee_taken;
        let application_fee = still_asked.min(amount - fee);
        payment.taken += amount;
        payment.fee += fee;
        payment.application_fee_taken += application_fee;
        payment.available_at = match terms.available_after_days {
            0 => self.now,
            days => (self.now / DAY + days) * DAY,
        };
        if matches!(payment.card, Card::Disputes | Card::Inquires) {
            payment.looked_at.push(self.now + SOON);
        }
        let Payment { merchant, currency, available_at, .. } = *payment;
        // Pending at first also where it is available at once: the next beat moves it.
        let net = amount - fee - application_fee;
        let owner = self.owners[merchant].clone();
        self.balances.add_on(&owner, currency, "pending", available_at / DAY, net);
        self.balances.add("platform", currency, "fees", fee);
        self.balances.add("platform", currency, "application_fees", application_fee);
        self.processor_owes(currency, amount);
    }

    pub fn capture(&mut self, at: usize, wanted: Option<i64>, is_last: bool) -> Outcome {
        let payment = &self.payments[at];
        let held = payment.held();
        let amount = wanted.unwrap_or(held);
        if payment.way == Way::Charge {
            if payment.taken > 0 {
                return Err("charge_already_captured");
            }
            if payment.expires_at <= self.now {
                return Err("charge_expired_for_capture");
            }
            if held == 0 {
                return Err("charge_already_refunded");
            }
        } else {
            if payment.status != Status::Holding {
                return Err("payment_intent_unexpected_state");
            }
            if payment.expires_at <= self.now {
                return Err("charge_expired_for_capture");
            }
            if payment.way == Way::Intent && !is_last {
                return Err("");
            }
            if amount == 0 && is_last && payment.taken > 0 {
                return self.let_go(at);
            }
        }
        if amount < 1 {
            return Err("parameter_invalid_integer");
        }
        if amount > held {
            return Err("amount_too_large");
        }
        if !is_allowed(payment.currency, amount, held) {
            return Err("parameter_invalid_integer");
        }
        let is_last = is_last || payment.way == Way::Charge;
        self.capture_part(at, amount, is_last)
    }

    fn capture_part(&mut self, at: usize, amount: i64, is_last: bool) -> Outcome {
        self.take(at, amount);
        self.card_holds(at, -amount);
        if is_last && self.payments[at].held() > 0 {
            return self.let_go(at);
        }
        if self.payments[at].held() == 0 {
            self.payments[at].status = Status::Paid;
        }
        Ok(())
    }

    /// What is held is let go of.
    fn let_go(&mut self, at: usize) -> Outcome {
        self.card_holds(at, -self.payments[at].held());
        let payment = &mut self.payments[at];
        payment.let_go += payment.held();
        payment.status = if payment.taken > 0 { Status::Paid } else { Status::Canceled };
        Ok(())
    }

    pub fn cancel(&mut self, at: usize) -> Outcome {
        match self.payments[at].status {
            Status::Unpaid => {
                self.payments[at].status = Status::Canceled;
                // Nothing was ever held of it.
                self.payments[at].amount = 0;
                Ok(())
            }
            Status::Holding => self.let_go(at),
            _ => Err("payment_intent_unexpected_state"),
        }
    }

    /// Says whether money that was held for too long is let go of.
    pub fn hold_expires(&mut self, at: usize) -> bool {
        let payment = &self.payments[at];
        let expires = payment.status == Status::Holding && payment.expires_at <= self.now;
        expires && self.let_go(at).is_ok()
    }

    pub fn refund(&mut self, at: usize, wanted: Option<i64>) -> Outcome {
        let payment = &self.payments[at];
        if payment.way == Way::Charge && payment.taken == 0 && payment.held() > 0 {
            return match wanted {
                Some(amount) if amount != payment.held() => Err(""),
                _ => self.let_go(at),
            };
        }
        if payment.taken == 0 {
            return match payment.way {
                Way::Charge => Err("charge_already_refunded"),
                _ => Err("charge_not_refundable"),
            };
        }
        let charged_back = payment.dispute.as_ref().map_or(0, |dispute| dispute.withdrawn());
        let is_open = payment.dispute.as_ref().is_some_and(|dispute| dispute.is_charged_back());
        let left = payment.taken - payment.given_back - charged_back;
        if is_open || left == 0 && charged_back > 0 {
            return Err("charge_disputed");
        }
        if left == 0 {
            return Err("charge_already_refunded");
        }
        let amount = wanted.unwrap_or(left);
        if amount > left {
            return Err("");
        }
        if !is_allowed(payment.currency, amount, left) {
            return Err("parameter_invalid_integer");
        }
        self.give_back(at, amount);
        Ok(())
    }

    fn give_back(&mut self, at: usize, amount: i64) {
        let payment = &mut self.payments[at];
        payment.given_back += amount;
        let mut fee = 0;
        if self.terms[payment.merchant].returns_fees {
            // What brings the whole to its share.
            let share = half_up(payment.currency, payment.fee * payment.given_back, payment.taken);
            fee = (share.min(payment.fee) - payment.fee_given_back).max(0);
        }
        payment.fee_given_back += fee;
        let fails_at = if payment.card == Card::RefundFails { self.now + SOON } else { NEVER };
        if payment.given_back == payment.taken
            && let Some(dispute) = &mut payment.dispute
        {
            dispute.all_was_given_back();
        }
        self.refunds.push(Refund { payment: at, amount, fee, fails_at });
        self.move_refund(at, amount, fee);
    }

    /// Money goes to the card, and what the platform gives back of its fee to the merchant; the other way
    /// where the amounts are negative.
    fn move_refund(&mut self, at: usize, amount: i64, fee: i64) {
        let currency = self.payments[at].currency;
        self.merchant_gets_of(at, fee - amount);
        self.processor_owes(currency, -amount);
        self.balances.add("platform", currency, "fees", -fee);
    }

    /// Says whether a refund comes back.
    pub fn refund_comes_back(&mut self, refund: usize) -> bool {
        let Refund { payment, amount, fee, fails_at } = self.refunds[refund];
        if fails_at > self.now {
            return false;
        }
        self.refunds[refund].fails_at = NEVER;
        self.payments[payment].given_back -= amount;
        self.payments[payment].fee_given_back -= fee;
        self.move_refund(payment, -amount, -fee);
        true
    }
}
