//! What the processor settles: an account of its own of all that moved, what it kept of each, and the payouts that carried
//! it. It is made from its truth whenever it is asked for, so that a movement has one name however often it is told.

use std::collections::BTreeMap;

use super::{Payment, Processor, Refund};
use crate::random::Random;

/// What it keeps of a payment: of ten thousand, and beside that in cents.
const SHARE: i64 = 290;
const FIXED: i64 = 30;

/// What it keeps for a dispute, until that is won.
const DISPUTED: i64 = 1_500;

/// What it was agreed that it keeps, as Florin's API takes it.
pub const AGREED: &str = r#"{"basis_points": 290, "fixed": {"usd": 30}}"#;

/// How it settles an account.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    /// Whether Florin was told what it keeps.
    pub is_agreed: bool,
    /// Whether all is settled in dollars, whatever it was paid in.
    converts: bool,
    /// Whether what was taken in part is told as the whole and what was let go of.
    tells_whole: bool,
    /// Whether it takes a cent too much now and then, and rounds amiss.
    is_careless: bool,
}

impl Terms {
    /// Those of an account.
    pub fn draw(random: &mut Random) -> Self {
        Self {
            is_agreed: random.chance(6_000),
            converts: random.chance(3_000),
            tells_whole: random.chance(5_000),
            is_careless: random.chance(4_000),
        }
    }
}

/// A movement, as a report tells of it. Amounts are in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its own name.
    pub name: String,
    /// What it is.
    pub category: &'static str,
    /// What moved: a refund, dispute or payout.
    pub source: String,
    /// Of which payment.
    pub payment: Option<String>,
    /// What moved.
    pub gross: i64,
    /// What it kept of it.
    pub fee: i64,
    /// The currency in which it settles.
    pub currency: String,
    /// What the cardholder paid, in which currency, and at what rate, where that is another.
    pub presented: Option<(i64, String, &'static str)>,
    /// The payout that carried it.
    pub payout: Option<String>,
    /// How it differs from what is right, as it was told to.
    pub differs: &'static [&'static str],
}

impl Line {
    /// What is left.
    pub fn net(&self) -> i64 {
        self.gross - self.fee
    }
}

/// A payout, and the lines that it carried.
#[derive(Clone, Debug)]
struct PaidOut {
    line: Line,
    carries: Vec<String>,
}

/// All payouts, by the account.
#[derive(Debug, Default)]
pub(super) struct Payouts(BTreeMap<String, Vec<PaidOut>>);

impl Processor {
    /// All that moved in an account so far.
    pub fn lines(&self, account: &str) -> Vec<Line> {
        let terms = self.terms.get(account).copied().unwrap_or_default();
        let mut lines = Vec::new();
        let places = self.by_account.get(account).map(Vec::as_slice).unwrap_or_default();
        for payment in places.iter().map(|place| &self.payments[*place]) {
            lines.extend(charged(payment, terms));
            for refund in self.refunds(&payment.id) {
                lines.extend(given_back(payment, refund, terms));
            }
        }
        for dispute in &self.disputes {
            let Some(payment) = self.payment(&dispute.payment) else { continue };
            if payment.account != account {
                continue;
            }
            let moved = |name: String, category, amount: i64| {
                let fee = DISPUTED * -amount.signum();
                line(payment, (name, category), &dispute.id, (amount, fee), terms)
            };
            lines.push(moved(format!("txn_{}", dispute.id), "dispute", -dispute.amount));
            if dispute.status == "won" {
                let name = format!("txn_{}_won", dispute.id);
                lines.push(moved(name, "dispute_reversal", dispute.amount));
            }
        }
        let paid_out = self.payouts.0.get(account).map(Vec::as_slice).unwrap_or_default();
        for payout in paid_out {
            for line in lines.iter_mut().filter(|line| payout.carries.contains(&line.name)) {
                line.payout = Some(payout.line.source.clone());
            }
        }
        lines.extend(paid_out.iter().map(|payout| payout.line.clone()));
        lines
    }

    /// Pays out what an account has of each currency, where it is more than nothing; what is owed is carried on.
    pub fn pay_out(&mut self, account: &str) {
        let mut open: BTreeMap<String, Vec<Line>> = BTreeMap::new();
        for line in self.lines(account) {
            if line.payout.is_none() {
                open.entry(line.currency.clone()).or_default().push(line);
            }
        }
        let payouts = self.payouts.0.entry(account.to_owned()).or_default();
        for (currency, carried) in open {
            let sum: i64 = carried.iter().map(Line::net).sum();
            if sum <= 0 {
                continue;
            }
            let id = format!(
                "po_{}_{}",
                account.rsplit('_').next().unwrap_or_default(),
                payouts.len() + 1
            );
            let line = Line {
                name: format!("txn_{id}"),
                category: "payout",
                source: id.clone(),
                payment: None,
                gross: -sum,
                fee: 0,
                currency,
                presented: None,
                payout: Some(id),
                differs: &[],
            };
            let carries = carried.into_iter().map(|line| line.name).collect();
            payouts.push(PaidOut { line, carries });
        }
    }
}

fn charged(payment: &Payment, terms: Terms) -> Vec<Line> {
    if payment.taken == 0 || payment.status != "succeeded" {
        return Vec::new();
    }
    let name = format!("txn_{}", payment.id);
    let (whole, taken) = (payment.amount, payment.taken);
    if terms.tells_whole && taken < whole {
        let first = line(payment, (name.clone(), "charge"), "", (whole, 0), terms);
        let rest = (format!("{name}_rest"), "partial_capture_reversal");
        let second = line(payment, rest, "", (taken - whole, 0), terms);
        let kept = fee(first.gross, &first.currency);
        let given = kept - fee(first.gross + second.gross, &first.currency);
        return vec![Line { fee: kept, ..first }, Line { fee: -given, ..second }];
    }
    let mut charge = line(payment, (name, "charge"), "", (taken, 0), terms);
    charge.fee = fee(charge.gross, &charge.currency);
    // Which of them it gets wrong, its amount says.
    if terms.is_careless && taken % 100 == 23 && charge.fee < charge.gross {
        charge.fee += 1;
        charge.differs = if terms.is_agreed { &["fee_mismatch"] } else { &[] };
    }
    if terms.is_careless && taken % 100 == 50 && charge.presented.is_some() {
        charge.gross += 1;
        charge.fee = fee(charge.gross, &charge.currency);
        charge.differs = &["fx_rounding"];
    }
    vec![charge]
}

fn given_back(payment: &Payment, refund: &Refund, terms: Terms) -> Vec<Line> {
    let moved = |name: String, category, amount| {
        line(payment, (name, category), &refund.id, (amount, 0), terms)
    };
    let mut lines = vec![moved(format!("txn_{}", refund.id), "refund", -refund.amount)];
    if refund.status == "failed" {
        lines.push(moved(format!("txn_{}_back", refund.id), "refund_failure", refund.amount));
    }
    lines
}

/// A line of a payment, in the currency in which its account settles.
fn line(
    payment: &Payment,
    (name, category): (String, &'static str),
    source: &str,
    (amount, fee): (i64, i64),
    terms: Terms,
) -> Line {
    let rate = match payment.currency.as_str() {
        "eur" if terms.converts => Some(("1.08431", 108_431)),
        "jpy" if terms.converts => Some(("0.67129", 67_129)),
        _ => None,
    };
    let converted = rate.map(|(text, hundred_thousandths)| {
        let gross = (amount.abs() * hundred_thousandths + 50_000) / 100_000 * amount.signum();
        (gross, (amount, payment.currency.clone(), text))
    });
    let (gross, presented) = match converted {
        Some((gross, presented)) => (gross, Some(presented)),
        None => (amount, None),
    };
    let currency = if presented.is_some() { "usd" } else { &payment.currency };
    Line {
        name,
        category,
        source: source.to_owned(),
        payment: Some(payment.id.clone()),
        gross,
        fee,
        currency: currency.to_owned(),
        presented,
        payout: None,
        differs: &[],
    }
}

fn fee(gross: i64, currency: &str) -> i64 {
    let fixed = if currency == "usd" { FIXED } else { 0 };
    ((gross * SHARE + fixed * 10_000 + 5_000) / 10_000).min(gross)
}
