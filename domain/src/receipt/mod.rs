//! Receipts: what a customer reads of a payment, as a page and on paper.
//!
//! A receipt is made of words alone, so that the page and the paper say the same, and its version is a
//! digest of those words: the same state of a charge always has the same version, and another state another.

mod html;
pub mod link;
mod number;
mod pdf;

use chrono::{DateTime, Datelike};
use sha2::{Digest, Sha256};

use crate::charge::Charge;
use crate::event::EventType;
use crate::id::{base62, keyed_digest};
use crate::money::{Amount, Currency, for_people};
use crate::refund::{Refund, Status};
use crate::timestamp::Timestamp;

pub use number::number;

/// The events after which a charge may have another receipt.
pub const EVENTS: [EventType; 5] = [
    EventType::ChargeCaptured,
    EventType::ChargeRefundUpdated,
    EventType::ChargeRefunded,
    EventType::ChargeSucceeded,
    // A part of several was captured, or the charge is described otherwise.
    EventType::ChargeUpdated,
];

/// How many refunds a receipt lists; earlier ones are added up.
pub const MOST_REFUNDS: usize = 30;

/// How a receipt is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As a page.
    Html,
    /// On paper.
    Pdf,
}

impl Format {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Html, Self::Pdf];

    /// What its documents are called in HTTP.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Pdf => "application/pdf",
        }
    }

    /// What the names of its documents end in.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Pdf => "pdf",
        }
    }
}

/// A document for the bucket of receipts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its name in the bucket.
    pub name: String,
    /// What it is called in HTTP.
    pub content_type: &'static str,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// What is paid for, or went back, and how much.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    text: String,
    amount: String,
}

/// What a receipt says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its number, as `1234-5678`.
    pub number: String,
    /// Who was paid.
    pub merchant: String,
    /// How much, before anything went back.
    pub paid: String,
    is_test: bool,
    date: String,
    method: Option<String>,
    lines: Vec<Line>,
    /// What is left of it after refunds.
    net: String,
    /// Where it can be read.
    url: Option<String>,
}

impl Receipt {
    /// The receipt of what was captured of a charge. `refunds` are the newest of those that did not fail,
    /// the newest first.
    pub fn new(merchant: &str, number: String, charge: &Charge, refunds: &[Refund]) -> Self {
        let currency = charge.amount.currency;
        let details = &charge.details;
        let payment = details.description.as_deref().filter(|text| !text.trim().is_empty());
        let mut lines = vec![Line {
            text: payment.unwrap_or("Payment").to_owned(),
            amount: money(charge.captured, currency, ""),
        }];
        lines.extend(returned(charge, refunds));
        let net = charge.captured.minus(charge.refunded).unwrap_or(Amount::ZERO);
        Self {
            number,
            merchant: merchant.to_owned(),
            paid: money(charge.captured, currency, ""),
            is_test: !charge.livemode,
            date: day(charge.created),
            method: details
                .card
                .as_ref()
                .map(|card| format!("{} ending in {}", card.brand.title(), card.last4)),
            lines,
            net: money(net, currency, ""),
            url: details.receipt_url.clone(),
        }
    }

    /// Names the state of the charge that it shows.
    pub fn version(&self) -> String {
        let test = if self.is_test { "test" } else { "" };
        let mut parts = vec![
            self.number.as_str(),
            &self.merchant,
            test,
            &self.date,
            self.method.as_deref().unwrap_or_default(),
            &self.net,
        ];
        parts.extend(self.lines.iter().flat_map(|line| [line.text.as_str(), &line.amount]));
        let parts: Vec<&[u8]> = parts.into_iter().map(str::as_bytes).collect();
        base62(&keyed_digest(b"receipt", &parts))
    }

    /// Writes it, for an object of this name.
    pub fn document(&self, name: String, format: Format) -> Document {
        let bytes = match format {
            Format::Html => html::write(self).into_bytes(),
            Format::Pdf => pdf::write(self),
        };
        let sha256 = hex::encode(Sha256::digest(&bytes));
        Document { name, content_type: format.content_type(), sha256, bytes }
    }

    /// What it is called.
    pub fn title(&self) -> String {
        format!("Receipt from {}", self.merchant)
    }

    /// What there is to say beside what was paid for.
    fn facts(&self) -> Vec<(&'static str, &str)> {
        let mut facts = vec![("Receipt number", self.number.as_str()), ("Date paid", &self.date)];
        facts.extend(self.method.as_deref().map(|method| ("Payment method", method)));
        facts
    }

    /// What the last line is called: what was paid, or what is left of it.
    fn total(&self) -> &'static str {
        if self.lines.len() > 1 { "Paid after refunds" } else { "Paid" }
    }
}

/// The lines of what went back, the oldest first.
fn returned(charge: &Charge, refunds: &[Refund]) -> Vec<Line> {
    let currency = charge.amount.currency;
    let shown = refunds.get(..MOST_REFUNDS).unwrap_or(refunds);
    let earlier = shown
        .iter()
        .try_fold(charge.refunded, |rest, refund| rest.minus(refund.amount.amount))
        .unwrap_or(Amount::ZERO);
    let mut lines = Vec::new();
    if !earlier.is_zero() {
        let text = "Earlier refunds".to_owned();
        lines.push(Line { text, amount: money(earlier, currency, "-") });
    }
    lines.extend(shown.iter().rev().map(|refund| {
        let what = match refund.status {
            Status::Succeeded => "Refund",
            _ => "Refund on its way",
        };
        Line {
            text: format!("{what}, {}", day(refund.created)),
            amount: money(refund.amount.amount, currency, "-"),
        }
    }));
    lines
}

/// An amount as customers read it; codes stand in capitals on a receipt.
fn money(amount: Amount, currency: Currency, sign: &str) -> String {
    format!("{sign}{}", for_people(amount.minor_units(), currency).to_ascii_uppercase())
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A moment's day in UTC, as `31 January 2026`.
fn day(at: Timestamp) -> String {
    let Some(date) = DateTime::from_timestamp(at.seconds(), 0) else { return String::new() };
    let month = usize::try_from(date.month0()).ok().and_then(|month| MONTHS.get(month));
    format!("{} {} {}", date.day(), month.copied().unwrap_or_default(), date.year())
}

#[cfg(test)]
mod tests;
