//! Which of our movements a line of a report settles: by the processor's own references, or else by our key; never by
//! amounts and dates alone.
//!
//! What comes of a set of lines does not depend on their order: each is judged by what the books know and by the other
//! lines of its payment that are not booked yet.

use super::{BreakKind, Kind, Line, Movement};
use crate::ledger::ExchangeRate;
use crate::money::{Amount, Money, SignedAmount};
use crate::pricing::PricePlan;

/// Our side of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ours {
    /// The attempt that its payment was made by.
    pub attempt: Option<String>,
    /// What our books know of that payment.
    pub movements: Vec<Movement>,
}

/// How a line differs from our books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// How.
    pub kind: BreakKind,
    /// Our side.
    pub ours: Option<String>,
    /// The amount by our books.
    pub expected: Option<i64>,
    /// The amount by the report.
    pub found: i64,
}

/// What a line settles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// The movement.
    pub movement: Movement,
    /// Whether only with the other lines of its payment.
    pub is_of_several: bool,
}

/// What comes of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What it settles; nothing where it is left open.
    pub booking: Option<Booking>,
    /// How it differs.
    pub differences: Vec<Difference>,
}

/// Judges a line by what our books know, and by what the other lines of its payment add up to that are not booked.
pub fn judge(line: &Line, others: SignedAmount, ours: &Ours, fees: Option<&PricePlan>) -> Verdict {
    let known: Vec<_> = ours.movements.iter().filter(|ours| is_about(line, ours)).collect();
    let open: Vec<_> = known.iter().copied().filter(|ours| ours.is_open).collect();
    let same: Vec<_> =
        open.iter().copied().filter(|ours| ours.currency == line.presented_currency).collect();
    let (Some(first), false) = (open.first(), same.is_empty()) else {
        return unknown(line, ours, &known, open.first().copied());
    };
    if !is_as_converted(line) {
        return left(line, BreakKind::AmountMismatch, Some(first));
    }
    // Of two that are alike the first is settled first, in whichever order they were read.
    let find = |amount: SignedAmount| {
        let alike = same.iter().copied().filter(|ours| ours.amount == amount);
        alike.min_by(|one, other| one.cause.cmp(&other.cause))
    };
    let alone = find(line.presented).map(|movement| (movement, false));
    let sum = || line.presented.plus(others).ok().filter(|_| line.kind == Kind::Charge);
    match alone.or_else(|| Some((sum().and_then(find)?, true))) {
        Some((movement, is_of_several)) => Verdict {
            booking: Some(Booking { movement: movement.clone(), is_of_several }),
            differences: small_differences(line, movement, fees.filter(|_| !is_of_several)),
        },
        None => left(line, BreakKind::AmountMismatch, same.first().copied()),
    }
}

/// Whether a movement may be what a line tells of.
fn is_about(line: &Line, ours: &Movement) -> bool {
    let is_of = |object: &str, comes: bool| {
        ours.object == object
            && ours.reference == line.source
            && (ours.amount.minor_units() > 0) == comes
    };
    match line.kind {
        Kind::Charge => ours.object == "charge",
        Kind::Refund => is_of("refund", false),
        Kind::RefundFailure => is_of("refund", true),
        Kind::Dispute => is_of("dispute", false),
        Kind::DisputeReversal => is_of("dispute", true),
        Kind::Payout | Kind::Fee | Kind::Other => false,
    }
}

fn left(line: &Line, kind: BreakKind, ours: Option<&Movement>) -> Verdict {
    let difference = Difference {
        kind,
        ours: ours.map(|ours| ours.cause.clone()),
        expected: ours.map(|ours| ours.amount.minor_units()),
        found: line.presented.minor_units(),
    };
    Verdict { booking: None, differences: vec![difference] }
}

/// What a line is that settles nothing of ours.
fn unknown(line: &Line, ours: &Ours, known: &[&Movement], open: Option<&Movement>) -> Verdict {
    if let Some(open) = open {
        return left(line, BreakKind::CurrencyMismatch, Some(open));
    }
    if let Some(settled) = known.first() {
        return left(line, BreakKind::DuplicateExternal, Some(settled));
    }
    let kind = match line.kind {
        Kind::Refund | Kind::RefundFailure => BreakKind::UnmatchedRefund,
        Kind::Dispute | Kind::DisputeReversal => BreakKind::UnmatchedDispute,
        Kind::Fee => BreakKind::OrphanFee,
        Kind::Charge if ours.attempt.is_some() => BreakKind::StatusMismatch,
        Kind::Charge | Kind::Payout | Kind::Other => BreakKind::MissingInternal,
    };
    let mut verdict = left(line, kind, None);
    for difference in &mut verdict.differences {
        difference.ours.clone_from(&ours.attempt);
    }
    verdict
}

/// What differs though the line is right in what it settles.
fn small_differences(line: &Line, ours: &Movement, fees: Option<&PricePlan>) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut add = |kind, expected, found| {
        let ours = Some(ours.cause.clone());
        differences.push(Difference { kind, ours, expected: Some(expected), found });
    };
    if is_converted_otherwise(line, 0) {
        let expected = converted(line).unwrap_or_default();
        add(BreakKind::FxRounding, expected, size(line.gross).minor_units());
    }
    if let Some(fees) = fees.filter(|_| line.kind == Kind::Charge) {
        let expected = fees.fee(Money { amount: size(line.gross), currency: line.currency });
        let found = line.fee.minor_units();
        if expected.minor_units() != found {
            add(BreakKind::FeeMismatch, expected.minor_units(), found);
        }
    }
    differences
}

fn size(amount: SignedAmount) -> Amount {
    Amount::new(amount.minor_units().saturating_abs()).unwrap_or_default()
}

/// What the rate that the line names makes of what was paid; none where it names no rate.
fn converted(line: &Line) -> Option<i64> {
    let rate = line.exchange_rate.as_deref().and_then(ExchangeRate::parse)?;
    let is_converted = line.currency != line.presented_currency;
    let amount = rate.convert(size(line.presented)).filter(|_| is_converted)?;
    Some(amount.minor_units())
}

/// Whether what is settled is what the rate makes of what was paid, but for one minor unit.
pub fn is_as_converted(line: &Line) -> bool {
    !is_converted_otherwise(line, 1)
}

/// Whether what is settled differs by more minor units from what the rate makes of what was paid.
fn is_converted_otherwise(line: &Line, tolerance: i64) -> bool {
    converted(line).is_some_and(|converted| {
        converted.abs_diff(size(line.gross).minor_units()) > tolerance.unsigned_abs()
    })
}
