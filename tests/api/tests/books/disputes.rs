//! Disputes in the model.

use crate::model::{DAY, Model, NEVER, Outcome, SOON, half_up};
use crate::operation::{Card, Word};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Inquiry,
    InquiryAnswered,
    InquiryClosed,
    Chargeback,
    ChargebackAnswered,
    Won,
    Lost,
}

#[derive(Debug)]
pub struct Dispute {
    stage: Stage,
    amount: i64,
    opened_at: i64,
    /// Until when the merchant may answer.
    due_by: i64,
    /// When the bank acts.
    acts_at: i64,
    word: Option<Word>,
    /// Whether the bank looks once more, as all was given back.
    is_looked_at_again: bool,
}

impl Dispute {
    /// What it took of the payment.
    pub fn withdrawn(&self) -> i64 {
        match self.stage {
            Stage::Chargeback | Stage::ChargebackAnswered | Stage::Lost => self.amount,
            _ => 0,
        }
    }

    /// Whether the money is withheld.
    pub fn is_charged_back(&self) -> bool {
        matches!(self.stage, Stage::Chargeback | Stage::ChargebackAnswered)
    }

    fn is_inquiry(&self) -> bool {
        matches!(self.stage, Stage::Inquiry | Stage::InquiryAnswered)
    }

    /// A bank that only asks has nothing more to ask.
    pub fn all_was_given_back(&mut self) {
        self.is_looked_at_again = self.is_inquiry();
    }
}

/// The end of the ninth day from now on.
fn answer_is_due(now: i64) -> i64 {
    (now / DAY + 10) * DAY - 1
}

impl Model {
    /// Says whether the cardholder looks at what was taken, and disputes it where anything is left.
    pub fn cardholder_looks(&mut self, at: usize) -> bool {
        let now = self.now;
        let payment = &mut self.payments[at];
        let before = payment.looked_at.len();
        payment.looked_at.retain(|moment| *moment > now);
        if payment.looked_at.len() == before {
            return false;
        }
        let left = payment.taken - payment.given_back;
        if payment.dispute.is_some() || left == 0 {
            return true;
        }
        payment.dispute = Some(Dispute {
            stage: Stage::Inquiry,
            amount: left,
            opened_at: now,
            due_by: answer_is_due(now),
            acts_at: now + 120 * DAY,
            word: None,
            is_looked_at_again: false,
        });
        if payment.card == Card::Disputes {
            self.charge_back(at);
        }
        true
    }

    fn charge_back(&mut self, at: usize) {
        let payment = &mut self.payments[at];
        let currency = payment.currency;
        let amount = payment.taken - payment.given_back;
        let fee = half_up(currency, self.terms[payment.merchant].dispute, 1);
        let dispute = payment.dispute.as_mut().expect("a dispute");
        dispute.stage = Stage::Chargeback;
        dispute.amount = amount;
        dispute.due_by = answer_is_due(self.now);
        dispute.acts_at = dispute.due_by + 1;
        self.withhold(at, amount);
        self.processor_owes(currency, -amount);
        self.merchant_gets_of(at, -amount - fee);
        self.balances.add("platform", currency, "fees", fee);
    }

    /// Money comes to be held back, or is no more.
    fn withhold(&mut self, at: usize, amount: i64) {
        let payment = &self.payments[at];
        let owner = &self.owners[payment.merchant];
        self.balances.add(owner, payment.currency, "dispute_reserve", amount);
        self.balances.add("simulator", payment.currency, "disputed_funds", amount);
    }

    fn ends(&mut self, at: usize, stage: Stage) {
        let payment = &mut self.payments[at];
        let currency = payment.currency;
        let dispute = payment.dispute.as_mut().expect("a dispute");
        let amount = dispute.amount;
        dispute.stage = stage;
        dispute.acts_at = NEVER;
        if stage == Stage::InquiryClosed {
            return;
        }
        self.withhold(at, -amount);
        if stage == Stage::Won {
            self.processor_owes(currency, amount);
            self.merchant_gets_of(at, amount);
        }
    }

    /// Says whether the bank acts on a payment's dispute.
    pub fn bank_acts(&mut self, at: usize) -> bool {
        let payment = &mut self.payments[at];
        let Some(dispute) = &mut payment.dispute else { return false };
        let looks = std::mem::take(&mut dispute.is_looked_at_again);
        let is_time = dispute.acts_at <= self.now;
        if !looks && !is_time {
            return false;
        }
        if dispute.is_inquiry() && payment.taken == payment.given_back {
            self.ends(at, Stage::InquiryClosed);
        } else if is_time {
            match (dispute.stage, dispute.word) {
                (Stage::ChargebackAnswered, Some(Word::Wins)) => self.ends(at, Stage::Won),
                (Stage::Chargeback | Stage::ChargebackAnswered, _) => self.ends(at, Stage::Lost),
                (Stage::InquiryAnswered, Some(Word::Loses | Word::Escalates)) => {
                    self.charge_back(at);
                }
                _ => self.ends(at, Stage::InquiryClosed),
            }
        }
        true
    }

    pub fn answer(&mut self, at: usize, word: Word) -> Outcome {
        let now = self.now;
        let dispute = self.payments[at].dispute.as_mut().expect("a dispute");
        let next = match dispute.stage {
            Stage::Inquiry => Stage::InquiryAnswered,
            Stage::Chargeback => Stage::ChargebackAnswered,
            _ => return Err(""),
        };
        if now > dispute.due_by {
            return Err("");
        }
        dispute.stage = next;
        dispute.word = Some(word);
        let is_heard = match word {
            Word::Wins | Word::Loses => true,
            Word::Escalates => next == Stage::InquiryAnswered,
            Word::Other => false,
        };
        dispute.acts_at = match next {
            _ if is_heard => now + SOON,
            Stage::InquiryAnswered => dispute.opened_at + 120 * DAY,
            _ => now + 75 * DAY,
        };
        Ok(())
    }

    pub fn accept(&mut self, at: usize) -> Outcome {
        match self.payments[at].dispute.as_ref().expect("a dispute").stage {
            Stage::Inquiry => self.ends(at, Stage::InquiryClosed),
            Stage::Chargeback => self.ends(at, Stage::Lost),
            _ => return Err(""),
        }
        Ok(())
    }
}
