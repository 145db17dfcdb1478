//! What Florin has to do with money, said once more in plain integers: which step is refused, and what every
//! balance is after it. It shares nothing with the code that it is held against.

use crate::balances::Balances;
use crate::disputes::Dispute;
use crate::operation::{CURRENCIES, Card, MERCHANTS, Terms, Way};
use crate::payouts::Payout;

pub const DAY: i64 = 86_400;

/// How long the simulator takes for what it does by itself.
pub const SOON: i64 = 2;

/// Nothing where a step is done, or the code of the error that refuses it; none is "".
pub type Outcome = Result<(), &'static str>;

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Unpaid,
    Holding,
    Paid,
    Canceled,
}

#[derive(Debug)]
pub struct Payment {
    pub merchant: usize,
    pub currency: &'static str,
    pub way: Way,
    pub status: Status,
    pub card: Card,
    /// Whether the money is taken at once.
    pub takes: bool,
    pub amount: i64,
    pub application_fee: i64,
    pub taken: i64,
    pub let_go: i64,
    pub given_back: i64,
    pub fee: i64,
    pub application_fee_taken: i64,
    pub fee_given_back: i64,
    pub available_at: i64,
    pub expires_at: i64,
    /// When the cardholder looks at what was taken.
    pub looked_at: Vec<i64>,
    pub dispute: Option<Dispute>,
}

#[derive(Debug)]
pub struct Refund {
    pub payment: usize,
    pub amount: i64,
    pub fee: i64,
    /// When it comes back; never for most.
    pub fails_at: i64,
}

/// Never, as a moment.
pub const NEVER: i64 = i64::MAX;

pub struct Model {
    pub now: i64,
    pub owners: [String; MERCHANTS],
    pub terms: [Terms; MERCHANTS],
    pub payments: Vec<Payment>,
    pub refunds: Vec<Refund>,
    pub payouts: Vec<Payout>,
    /// The day on which each merchant is paid out next; 0 where that is to be found out.
    pub payouts_due: [i64; MERCHANTS],
    /// The merchants and currencies whose own bank account has failed.
    pub failed_banks: Vec<(usize, &'static str)>,
    pub balances: Balances,
}

impl Payment {
    pub fn held(&self) -> i64 {
        match self.status {
            Status::Unpaid => 0,
            _ => self.amount - self.taken - self.let_go,
        }
    }

    pub fn is_charged(&self) -> bool {
        self.taken + self.held() + self.let_go > 0
    }
}

impl Model {
    pub fn new(now: i64, owners: [String; MERCHANTS], terms: [Terms; MERCHANTS]) -> Self {
        Self {
            now,
            owners,
            terms,
            payments: Vec::new(),
            refunds: Vec::new(),
            payouts: Vec::new(),
            payouts_due: [0; MERCHANTS],
            failed_banks: Vec::new(),
            balances: Balances::default(),
        }
    }

    pub fn today(&self) -> i64 {
        self.now / DAY
    }

    /// A merchant gets money from a moment on, or loses it where the amount is negative.
    pub fn merchant_gets(&mut self, merchant: usize, currency: &'static str, at: i64, amount: i64) {
        let (kind, day) = if at / DAY > self.today() {
            ("pending", at / DAY)
        } else {
            ("available", self.today())
        };
        self.balances.add_on(&self.owners[merchant], currency, kind, day, amount);
    }

    /// The processor comes to owe money, and settles it the day after tomorrow.
    pub fn processor_owes(&mut self, currency: &'static str, amount: i64) {
        let day = self.today() + 2;
        self.balances.add_on("simulator", currency, "clearing", day, amount);
    }

    /// A card comes to hold money for a merchant.
    pub fn card_holds(&mut self, payment: usize, amount: i64) {
        let Payment { merchant, currency, .. } = self.payments[payment];
        self.balances.add(&self.owners[merchant], currency, "authorized_funds", amount);
        self.balances.add("simulator", currency, "authorizations", amount);
    }

    /// Money that moves for a payment that was taken counts no sooner than the payment.
    pub fn merchant_gets_of(&mut self, payment: usize, amount: i64) {
        let Payment { merchant, currency, available_at, .. } = self.payments[payment];
        self.merchant_gets(merchant, currency, available_at.max(self.now), amount);
    }

    /// What a merchant has by now in a currency, and what they will have.
    pub fn has(&self, merchant: usize, currency: &str) -> (i64, i64) {
        let owner = &self.owners[merchant];
        let pending = self.balances.days_of(owner, currency, "pending");
        let available = self.balances.days_of(owner, currency, "available");
        let sum = |days: &[(i64, i64)], counts: &dyn Fn(i64) -> bool| -> i64 {
            days.iter().filter(|(day, _)| counts(*day)).map(|(_, amount)| amount).sum()
        };
        let today = self.today();
        (
            sum(&available, &|_| true) + sum(&pending, &|day| day <= today),
            sum(&pending, &|day| day > today),
        )
    }

    /// Whatever is due is done, and what becomes due by that as well.
    pub fn beat(&mut self) {
        loop {
            self.days_come();
            for merchant in 0..MERCHANTS {
                self.pay_out_by_schedule(merchant);
            }
            let mut is_quiet = true;
            for payment in 0..self.payments.len() {
                is_quiet &= !self.hold_expires(payment);
                is_quiet &= !self.cardholder_looks(payment);
                is_quiet &= !self.bank_acts(payment);
            }
            for refund in 0..self.refunds.len() {
                is_quiet &= !self.refund_comes_back(refund);
            }
            for payout in 0..self.payouts.len() {
                is_quiet &= !self.payout_moves(payout);
            }
            if is_quiet {
                return;
            }
        }
    }

    /// Pending money becomes available, and the processor settles.
    fn days_come(&mut self) {
        for (owner, currency, day, amount) in self.balances.days("pending") {
            if day <= self.today() {
                self.balances.add_on(&owner, currency, "pending", day, -amount);
                self.balances.add_on(&owner, currency, "available", day, amount);
            }
        }
        for (owner, currency, day, amount) in self.balances.days("clearing") {
            if day <= self.today() {
                self.balances.add_on(&owner, currency, "clearing", day, -amount);
                self.balances.add("platform", currency, "cash", amount);
            }
        }
    }
}

/// A part of an amount, in thousandths.
pub fn part_of(whole: i64, thousandths: i64) -> i64 {
    whole * thousandths / 1_000
}

/// A fraction as an amount of its currency, the nearest one: the upper of two that are as near.
pub fn half_up(currency: &str, numerator: i64, denominator: i64) -> i64 {
    let step = if currency == CURRENCIES[2] { 10 } else { 1 };
    (numerator * 2 + denominator * step) / (denominator * step * 2) * step
}

/// Whether so much may be moved of what there is.
pub fn is_allowed(currency: &str, part: i64, whole: i64) -> bool {
    part == whole || currency != CURRENCIES[2] || part % 10 == 0
}
