//! Payment cards: numbers, brands, expiry, and the ways in which an issuer says no.
//!
//! Sources: ISO/IEC 7812 for the number and its check digit, <https://docs.stripe.com/declines/codes>
//! for the declines.

mod decline;

use std::fmt;

use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{base62, keyed_digest};
use crate::timestamp::Timestamp;

pub use decline::Decline;

/// A card number that passed its checks; never shown, never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct CardNumber(String);

impl CardNumber {
    /// Reads a number as people type it, with spaces or dashes.
    ///
    /// # Errors
    /// `incorrect_number` when it is no card number: wrong length, other characters, or a check digit
    /// that does not fit.
    pub fn parse(text: &str) -> Result<Self, Decline> {
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Decline::InvalidNumber);
        }
        if !(12..=19).contains(&digits.len()) || !luhn_holds(&digits) {
            return Err(Decline::IncorrectNumber);
        }
        Ok(Self(digits))
    }

    /// All digits.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// The last four digits, which may be shown.
    pub fn last4(&self) -> String {
        let skip = self.0.len().saturating_sub(4);
        self.0.chars().skip(skip).collect()
    }

    /// A text that is equal for equal numbers of one account and tells nothing else.
    pub fn fingerprint(&self, secret: &[u8], account: &str) -> String {
        let digest =
            keyed_digest(secret, &[b"card-fingerprint", account.as_bytes(), self.0.as_bytes()]);
        base62(&digest).chars().take(16).collect()
    }

    /// The network that the number's first digits belong to.
    pub fn brand(&self) -> Brand {
        let leading = |length: usize| -> u32 {
            self.0.get(..length).and_then(|prefix| prefix.parse().ok()).unwrap_or(0)
        };
        match (leading(1), leading(2), leading(3), leading(4)) {
            (_, 34 | 37, ..) => Brand::Amex,
            (_, _, 300..=305 | 309, _) | (_, 36 | 38 | 39, ..) => Brand::Diners,
            (.., 3528..=3589) => Brand::Jcb,
            (4, ..) => Brand::Visa,
            (_, 51..=55, ..) | (.., 2221..=2720) => Brand::Mastercard,
            (_, 65, ..) | (_, _, 644..=649, _) | (.., 6011) => Brand::Discover,
            (_, 62, ..) => Brand::Unionpay,
            _ => Brand::Unknown,
        }
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CardNumber(…{})", self.last4())
    }
}

/// Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B).
fn luhn_holds(digits: &str) -> bool {
    let sum = digits.bytes().rev().enumerate().fold(0_u32, |sum, (place, byte)| {
        let digit = u32::from(byte.saturating_sub(b'0'));
        let doubled = if place % 2 == 1 { digit.saturating_mul(2) } else { digit };
        sum.saturating_add(doubled / 10).saturating_add(doubled % 10)
    });
    sum.is_multiple_of(10)
}

/// A card network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the networks' own")]
pub enum Brand {
    Amex,
    Diners,
    Discover,
    Jcb,
    Mastercard,
    Unionpay,
    Visa,
    Unknown,
}

impl Brand {
    /// The name in the API, as `visa`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Amex => "amex",
            Self::Diners => "diners",
            Self::Discover => "discover",
            Self::Jcb => "jcb",
            Self::Mastercard => "mastercard",
            Self::Unionpay => "unionpay",
            Self::Visa => "visa",
            Self::Unknown => "unknown",
        }
    }

    /// The name as cardholders know it, as the legacy `card` object shows it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Amex => "American Express",
            Self::Diners => "Diners Club",
            Self::Discover => "Discover",
            Self::Jcb => "JCB",
            Self::Mastercard => "MasterCard",
            Self::Unionpay => "UnionPay",
            Self::Visa => "Visa",
            Self::Unknown => "Unknown",
        }
    }

    /// How many digits the security code has.
    fn cvc_length(self) -> std::ops::RangeInclusive<usize> {
        match self {
            Self::Amex => 3..=4,
            _ => 3..=3,
        }
    }
}

/// How the cardholder pays the issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are Stripe's")]
pub enum Funding {
    Credit,
    Debit,
    Prepaid,
    Unknown,
}

impl Funding {
    /// The name in the API, as `credit`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Credit => "credit",
            Self::Debit => "debit",
            Self::Prepaid => "prepaid",
            Self::Unknown => "unknown",
        }
    }
}

/// What a processor says of a card's issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issued {
    /// The issuer's country (ISO 3166-1 alpha-2).
    pub country: Option<String>,
    /// How the holder pays the issuer.
    pub funding: Option<Funding>,
}

/// What a check of the cardholder's data at the issuer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are Stripe's")]
pub enum Check {
    Pass,
    Fail,
    Unavailable,
    Unchecked,
}

/// The checks of a card's holder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Checks {
    /// The first line of the address; none where no address was given.
    pub address_line1_check: Option<Check>,
    /// The postal code; none where none was given.
    pub address_postal_code_check: Option<Check>,
    /// The security code; none where none was given.
    pub cvc_check: Option<Check>,
}

/// What may be shown of a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The network.
    pub brand: Brand,
    /// The issuer's country (ISO 3166-1 alpha-2), where known.
    pub country: Option<String>,
    /// 1 to 12.
    pub exp_month: u8,
    /// Four digits.
    pub exp_year: u16,
    /// Equal for equal numbers of one account.
    pub fingerprint: String,
    /// How the holder pays the issuer.
    pub funding: Funding,
    /// The last four digits.
    pub last4: String,
    /// What the issuer said of the holder's data.
    pub checks: Checks,
}

impl Card {
    /// Fills in what was not known of the issuer, and says whether anything was.
    pub fn learn(&mut self, issued: &Issued) -> bool {
        let learns_country = self.country.is_none() && issued.country.is_some();
        if learns_country {
            self.country.clone_from(&issued.country);
        }
        match issued.funding {
            Some(funding) if self.funding == Funding::Unknown => {
                self.funding = funding;
                true
            }
            _ => learns_country,
        }
    }
}

/// The month after which a card is no longer good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// 1 to 12.
    pub month: u8,
    /// Four digits.
    pub year: u16,
}

impl Expiry {
    /// Reads month and year; a year of two digits is one of this century.
    ///
    /// # Errors
    /// `invalid_expiry_month` or `invalid_expiry_year`, also for a month that has passed or lies more
    /// than 50 years ahead.
    pub fn parse(month: i64, year: i64, now: Timestamp) -> Result<Self, Decline> {
        let month = u8::try_from(month)
            .ok()
            .filter(|month| (1..=12).contains(month))
            .ok_or(Decline::InvalidExpiryMonth)?;
        let year = if (0..100).contains(&year) { year.saturating_add(2000) } else { year };
        let (this_year, this_month) = year_and_month(now);
        if year < this_year || year > this_year.saturating_add(50) {
            return Err(Decline::InvalidExpiryYear);
        }
        if year == this_year && i64::from(month) < this_month {
            return Err(Decline::InvalidExpiryMonth);
        }
        let year = u16::try_from(year).map_err(|_| Decline::InvalidExpiryYear)?;
        Ok(Self { month, year })
    }
}

/// The year and month (1 to 12) of a moment in UTC; the last that can be told for one beyond.
pub fn year_and_month(now: Timestamp) -> (i64, i64) {
    let moment = DateTime::from_timestamp(now.seconds(), 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
    (i64::from(moment.year()), i64::from(moment.month()))
}

/// Checks the form of a security code.
///
/// # Errors
/// `invalid_cvc` when it has other characters or another length than the brand's.
pub fn check_cvc(cvc: &str, brand: Brand) -> Result<(), Decline> {
    if cvc.bytes().all(|byte| byte.is_ascii_digit()) && brand.cvc_length().contains(&cvc.len()) {
        Ok(())
    } else {
        Err(Decline::InvalidCvc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_checked_and_branded() {
        for (number, brand) in [
            ("4242424242424242", Brand::Visa),
            ("5555 5555 5555 4444", Brand::Mastercard),
            ("2223003122003222", Brand::Mastercard),
            ("3782-822463-10005", Brand::Amex),
            ("6011111111111117", Brand::Discover),
            ("3056930009020004", Brand::Diners),
            ("36227206271667", Brand::Diners),
            ("3566002020360505", Brand::Jcb),
            ("6200000000000005", Brand::Unionpay),
            ("6205500000000000004", Brand::Unionpay),
        ] {
            assert_eq!(CardNumber::parse(number).map(|n| n.brand()), Ok(brand), "{number}");
        }
        assert_eq!(CardNumber::parse("4242424242424241"), Err(Decline::IncorrectNumber));
        assert_eq!(CardNumber::parse("4242"), Err(Decline::IncorrectNumber));
        assert_eq!(CardNumber::parse("4242x"), Err(Decline::InvalidNumber));
        assert_eq!(CardNumber::parse("４２４２"), Err(Decline::InvalidNumber));
    }

    #[test]
    fn expiry_is_read_against_the_clock() {
        let now = Timestamp(1_795_000_000); // 18 November 2026
        assert_eq!(year_and_month(now), (2026, 11));
        assert_eq!(year_and_month(Timestamp(0)), (1970, 1));
        assert_eq!(year_and_month(Timestamp(951_782_400)), (2000, 2));
        assert_eq!(Expiry::parse(11, 26, now), Ok(Expiry { month: 11, year: 2026 }));
        assert_eq!(Expiry::parse(10, 2026, now), Err(Decline::InvalidExpiryMonth));
        assert_eq!(Expiry::parse(13, 2030, now), Err(Decline::InvalidExpiryMonth));
        assert_eq!(Expiry::parse(0, 2030, now), Err(Decline::InvalidExpiryMonth));
        assert_eq!(Expiry::parse(1, 2025, now), Err(Decline::InvalidExpiryYear));
        assert_eq!(Expiry::parse(1, 2090, now), Err(Decline::InvalidExpiryYear));
        assert_eq!(Expiry::parse(1, -1, now), Err(Decline::InvalidExpiryYear));
    }
}
