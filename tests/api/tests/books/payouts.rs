//! Payouts in the model.

use crate::model::{DAY, Model, Outcome, SOON, is_allowed};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    AtHome,
    Travels,
    Arrived,
    CameBack,
}

#[derive(Debug)]
pub struct Payout {
    merchant: usize,
    currency: &'static str,
    amount: i64,
    place: Place,
    /// When it leaves, and then when it arrives.
    moves_at: i64,
    arrives_at: i64,
    /// Whether the bank takes none.
    is_refused: bool,
}

impl Payout {
    pub fn merchant(&self) -> usize {
        self.merchant
    }
}

impl Model {
    pub fn pay_out(
        &mut self,
        (merchant, currency): (usize, &'static str),
        amount: i64,
        is_instant: bool,
        is_refused: bool,
    ) -> Outcome {
        if amount < 1 || !is_allowed(currency, amount, 0) {
            return Err("parameter_invalid_integer");
        }
        self.books_catch_up(merchant, currency);
        if amount > self.has(merchant, currency).0 {
            return Err("balance_insufficient");
        }
        self.money_leaves(merchant, currency, amount);
        let (moves_at, arrives_at) = match is_instant {
            true => (self.now + SOON, self.now + 2 * SOON),
            false => ((self.today() + 1) * DAY, (self.today() + 2) * DAY),
        };
        let place = Place::AtHome;
        let payout = Payout { merchant, currency, amount, place, moves_at, arrives_at, is_refused };
        self.payouts.push(payout);
        Ok(())
    }

    /// Who takes money that is due, and was not moved yet, has all that the merchant has moved first.
    fn books_catch_up(&mut self, merchant: usize, currency: &'static str) {
        let (owner, today) = (self.owners[merchant].clone(), self.today());
        let due = self
            .balances
            .days("pending")
            .into_iter()
            .filter(|(other, _, day, amount)| *other == owner && *day <= today && *amount != 0);
        let due: Vec<_> = due.collect();
        if !due.iter().any(|(_, code, ..)| *code == currency) {
            return;
        }
        for (owner, currency, day, amount) in due {
            self.balances.add_on(&owner, currency, "pending", day, -amount);
            self.balances.add_on(&owner, currency, "available", day, amount);
        }
    }

    /// What was owed on a day is settled first, then the oldest days are taken.
    fn money_leaves(&mut self, merchant: usize, currency: &'static str, amount: i64) {
        let owner = self.owners[merchant].clone();
        let days = self.balances.days_of(&owner, currency, "available");
        let mut missing = amount;
        for (day, owed) in days.iter().filter(|(_, held)| *held < 0) {
            self.balances.add_on(&owner, currency, "available", *day, -owed);
            missing -= owed;
        }
        for (day, held) in days.iter().filter(|(_, held)| *held > 0) {
            let part = missing.min(*held);
            self.balances.add_on(&owner, currency, "available", *day, -part);
            missing -= part;
        }
        assert_eq!(missing, 0, "there was enough");
        self.balances.add(&owner, currency, "payouts_in_transit", amount);
    }

    /// Says whether a payout moves on.
    pub fn payout_moves(&mut self, at: usize) -> bool {
        let now = self.now;
        let payout = &mut self.payouts[at];
        if payout.moves_at > now {
            return false;
        }
        match payout.place {
            Place::AtHome => {
                payout.place = Place::Travels;
                // One step takes a second at least.
                payout.moves_at = payout.arrives_at.max(now + 1);
            }
            Place::Travels if payout.is_refused => self.comes_back(at),
            Place::Travels => {
                payout.place = Place::Arrived;
                let Payout { merchant, currency, amount, .. } = *payout;
                let owner = &self.owners[merchant];
                self.balances.add(owner, currency, "payouts_in_transit", -amount);
                self.balances.add("platform", currency, "cash", -amount);
            }
            Place::Arrived | Place::CameBack => return false,
        }
        true
    }

    /// Money is the merchant's again.
    fn comes_back(&mut self, at: usize) {
        let Payout { merchant, currency, amount, place, .. } = self.payouts[at];
        self.payouts[at].place = Place::CameBack;
        match place {
            Place::Arrived => self.balances.add("platform", currency, "cash", amount),
            _ => {
                let owner = &self.owners[merchant];
                self.balances.add(owner, currency, "payouts_in_transit", -amount);
            }
        }
        self.merchant_gets(merchant, currency, self.now, amount);
    }

    pub fn stop_payout(&mut self, at: usize) -> Outcome {
        if self.payouts[at].place != Place::AtHome {
            return Err("");
        }
        self.comes_back(at);
        Ok(())
    }

    /// The bank does not take it, or sends it back.
    pub fn return_payout(&mut self, at: usize) {
        if self.payouts[at].place != Place::CameBack {
            self.comes_back(at);
        }
    }
}
