//! Payouts in the model.

use crate::model::{DAY, Model, Outcome, SOON, is_allowed};
use crate::operation::{CURRENCIES, Schedule};

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
    made_at: i64,
    /// Whether the merchant asked for it.
    is_asked_for: bool,
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
        self.payouts.push(Payout {
            merchant,
            currency,
            amount,
            place,
            moves_at,
            arrives_at,
            is_refused,
            made_at: self.now,
            is_asked_for: true,
        });
        Ok(())
    }

    /// What was there before the day on which it was due leaves, with all that came until the last day that is
    /// over, for an hour by now. Where that would leave the merchant owing, or they took of it today, it is
    /// tried again each day.
    pub fn pay_out_by_schedule(&mut self, merchant: usize) {
        let schedule = self.terms[merchant].schedule;
        let day = (self.now - 3_600) / DAY;
        let planned = self.payouts_due[merchant];
        if schedule == Schedule::Never || planned > day {
            return;
        }
        let mut is_put_off = false;
        if planned > 0 || schedule.pays_on(day) {
            let due = (0..7).map(|days| day - days).find(|day| schedule.pays_on(*day));
            for currency in CURRENCIES {
                is_put_off |=
                    self.pay_out_closed_days(merchant, currency, day, due.expect("a day"));
            }
        }
        let next = (1..8).map(|days| day + days).find(|day| schedule.pays_on(*day));
        self.payouts_due[merchant] = if is_put_off { day + 1 } else { next.expect("a day") };
    }

    fn pay_out_closed_days(
        &mut self,
        merchant: usize,
        currency: &'static str,
        day: i64,
        due: i64,
    ) -> bool {
        let owner = self.owners[merchant].clone();
        let days = self.balances.days_of(&owner, currency, "available");
        let sum = |counts: &dyn Fn(i64) -> bool| -> i64 {
            days.iter().filter(|(day, _)| counts(*day)).map(|(_, amount)| amount).sum()
        };
        let amount = sum(&|other| other < day);
        let was_there = sum(&|other| other < due);
        let has_failed = self.failed_banks.contains(&(merchant, currency));
        if was_there <= 0 || amount <= 0 || has_failed {
            return false;
        }
        let took = self.payouts.iter().any(|payout| {
            payout.merchant == merchant
                && payout.currency == currency
                && payout.is_asked_for
                && payout.made_at >= day * DAY
        });
        if took || sum(&|other| other >= day) < 0 {
            return true;
        }
        for (closed, held) in days.iter().filter(|(other, _)| *other < day) {
            self.balances.add_on(&owner, currency, "available", *closed, -held);
        }
        self.balances.add(&owner, currency, "payouts_in_transit", amount);
        self.payouts.push(Payout {
            merchant,
            currency,
            amount,
            place: Place::AtHome,
            moves_at: (self.today() + 1) * DAY,
            arrives_at: (self.today() + 2) * DAY,
            is_refused: false,
            made_at: self.now,
            is_asked_for: false,
        });
        false
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
        let Payout { merchant, currency, place, is_refused, .. } = self.payouts[at];
        if place != Place::CameBack {
            self.comes_back(at);
            if !is_refused {
                self.failed_banks.push((merchant, currency));
            }
        }
    }
}
