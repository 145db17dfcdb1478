//! Money: an integer count of a currency's minor unit, never without its currency.
//!
//! Sources: <https://docs.stripe.com/currencies> for the exponents, the minimum charges and the
//! three-decimal rule; ISO 4217 for the codes.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ApiError;

/// The largest amount that a request may name, in minor units (Stripe's eight digits).
pub const MAX_AMOUNT: i64 = 99_999_999;

/// An amount in minor units of a currency that is known from the context.
///
/// Never negative: what flows back is an amount of its own, not a negative one.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "i64", into = "i64")]
pub struct Amount(i64);

/// An amount that would be negative or beyond what integers in JSON and D1 hold exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an amount must lie between 0 and 2^53 minor units")]
pub struct AmountOutOfRange;

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Beyond this, JSON numbers and D1's bindings are no longer exact.
    const LIMIT: i64 = (1 << 53) - 1;

    /// An amount of minor units.
    ///
    /// # Errors
    /// When it is negative or above 2^53 - 1.
    pub fn new(minor_units: i64) -> Result<Self, AmountOutOfRange> {
        if (0..=Self::LIMIT).contains(&minor_units) {
            Ok(Self(minor_units))
        } else {
            Err(AmountOutOfRange)
        }
    }

    /// The count of minor units.
    pub fn minor_units(self) -> i64 {
        self.0
    }

    /// The sum.
    ///
    /// # Errors
    /// When it is out of range.
    pub fn plus(self, other: Self) -> Result<Self, AmountOutOfRange> {
        self.0.checked_add(other.0).ok_or(AmountOutOfRange).and_then(Self::new)
    }

    /// The difference.
    ///
    /// # Errors
    /// When it would be negative.
    pub fn minus(self, other: Self) -> Result<Self, AmountOutOfRange> {
        self.0.checked_sub(other.0).ok_or(AmountOutOfRange).and_then(Self::new)
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl TryFrom<i64> for Amount {
    type Error = AmountOutOfRange;

    fn try_from(minor_units: i64) -> Result<Self, AmountOutOfRange> {
        Self::new(minor_units)
    }
}

impl From<Amount> for i64 {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

/// An amount that can flow either way, in minor units of a currency that is known from the context: an
/// entry of the ledger, or a balance.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "i64", into = "i64")]
pub struct SignedAmount(i64);

impl SignedAmount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount of minor units.
    ///
    /// # Errors
    /// When its size is above 2^53 - 1.
    pub fn new(minor_units: i64) -> Result<Self, AmountOutOfRange> {
        if (-Amount::LIMIT..=Amount::LIMIT).contains(&minor_units) {
            Ok(Self(minor_units))
        } else {
            Err(AmountOutOfRange)
        }
    }

    /// The count of minor units.
    pub fn minor_units(self) -> i64 {
        self.0
    }

    /// The sum.
    ///
    /// # Errors
    /// When it is out of range.
    pub fn plus(self, other: Self) -> Result<Self, AmountOutOfRange> {
        self.0.checked_add(other.0).ok_or(AmountOutOfRange).and_then(Self::new)
    }

    /// The difference.
    ///
    /// # Errors
    /// When it is out of range.
    pub fn minus(self, other: Self) -> Result<Self, AmountOutOfRange> {
        self.plus(other.negated())
    }

    /// The same the other way.
    #[must_use]
    pub fn negated(self) -> Self {
        // Within the range there is an opposite to everything.
        Self(self.0.saturating_neg())
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

#[cfg(feature = "openapi")]
impl schemars::JsonSchema for SignedAmount {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SignedAmount".into()
    }

    fn json_schema(_generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer" })
    }
}

impl From<Amount> for SignedAmount {
    fn from(amount: Amount) -> Self {
        Self(amount.0)
    }
}

impl TryFrom<i64> for SignedAmount {
    type Error = AmountOutOfRange;

    fn try_from(minor_units: i64) -> Result<Self, AmountOutOfRange> {
        Self::new(minor_units)
    }
}

impl From<SignedAmount> for i64 {
    fn from(amount: SignedAmount) -> Self {
        amount.0
    }
}

/// What is special about a currency.
struct CurrencyFacts {
    code: &'static str,
    /// How many decimal places the minor unit stands for in Stripe's API.
    exponent: u32,
    /// The smallest charge in minor units.
    minimum: i64,
    /// Amounts must be a multiple of this many minor units.
    multiple: i64,
}

const fn currency(code: &'static str, exponent: u32, minimum: i64, multiple: i64) -> CurrencyFacts {
    CurrencyFacts { code, exponent, minimum, multiple }
}

/// Two decimals and no published minimum: at least one minor unit.
const fn two_decimals(code: &'static str) -> CurrencyFacts {
    currency(code, 2, 1, 1)
}

/// Every currency that Florin takes, by code: those that Stripe's API names where it refuses another,
/// but for stablecoins, in which no card is charged, and for those that have ended and that its
/// documentation lists no more, as `eek` and `hrk`.
#[rustfmt::skip]
static CURRENCIES: &[CurrencyFacts] = &[
    currency("aed", 2, 200, 1), two_decimals("afn"), two_decimals("all"), two_decimals("amd"),
    two_decimals("ang"), two_decimals("aoa"), two_decimals("ars"), currency("aud", 2, 50, 1),
    two_decimals("awg"), two_decimals("azn"), two_decimals("bam"), two_decimals("bbd"),
    two_decimals("bdt"), currency("bgn", 2, 100, 1), currency("bhd", 3, 10, 10), currency("bif", 0, 1, 1),
    two_decimals("bmd"), two_decimals("bnd"), two_decimals("bob"), currency("brl", 2, 50, 1),
    two_decimals("bsd"), two_decimals("btn"), two_decimals("bwp"), two_decimals("byn"), two_decimals("bzd"),
    currency("cad", 2, 50, 1), two_decimals("cdf"), currency("chf", 2, 50, 1), currency("clp", 0, 1, 1),
    two_decimals("cny"), two_decimals("cop"), two_decimals("crc"), two_decimals("cve"),
    currency("czk", 2, 1500, 1), currency("djf", 0, 1, 1), currency("dkk", 2, 250, 1), two_decimals("dop"),
    two_decimals("dzd"), two_decimals("egp"), two_decimals("etb"), currency("eur", 2, 50, 1),
    two_decimals("fjd"), two_decimals("fkp"), currency("gbp", 2, 30, 1), two_decimals("gel"),
    two_decimals("ghs"), two_decimals("gip"), two_decimals("gmd"), currency("gnf", 0, 1, 1), two_decimals("gtq"),
    two_decimals("gyd"), currency("hkd", 2, 400, 1), two_decimals("hnl"), two_decimals("htg"),
    currency("huf", 2, 17500, 1), two_decimals("idr"), two_decimals("ils"), currency("inr", 2, 50, 1),
    currency("isk", 2, 100, 100), two_decimals("jmd"), currency("jod", 3, 10, 10), currency("jpy", 0, 50, 1),
    two_decimals("kes"), two_decimals("kgs"), two_decimals("khr"), currency("kmf", 0, 1, 1),
    currency("krw", 0, 1, 1), currency("kwd", 3, 10, 10), two_decimals("kyd"), two_decimals("kzt"),
    two_decimals("lak"), two_decimals("lbp"), two_decimals("lkr"), two_decimals("lrd"),
    two_decimals("lsl"), two_decimals("mad"), two_decimals("mdl"), currency("mga", 0, 1, 1),
    two_decimals("mkd"), two_decimals("mmk"), two_decimals("mnt"), two_decimals("mop"),
    two_decimals("mur"), two_decimals("mvr"), two_decimals("mwk"), currency("mxn", 2, 1000, 1),
    currency("myr", 2, 200, 1), two_decimals("mzn"), two_decimals("nad"), two_decimals("ngn"),
    two_decimals("nio"), currency("nok", 2, 300, 1), two_decimals("npr"), currency("nzd", 2, 50, 1),
    currency("omr", 3, 10, 10), two_decimals("pab"), two_decimals("pen"), two_decimals("pgk"),
    two_decimals("php"), two_decimals("pkr"), currency("pln", 2, 200, 1), currency("pyg", 0, 1, 1),
    two_decimals("qar"), currency("ron", 2, 200, 1), two_decimals("rsd"), two_decimals("rub"),
    currency("rwf", 0, 1, 1), two_decimals("sar"), two_decimals("sbd"), two_decimals("scr"),
    currency("sek", 2, 300, 1), currency("sgd", 2, 50, 1), two_decimals("shp"), two_decimals("sle"),
    two_decimals("sos"), two_decimals("srd"), two_decimals("std"), two_decimals("svc"), two_decimals("szl"),
    currency("thb", 2, 1000, 1), two_decimals("tjs"), currency("tnd", 3, 10, 10), two_decimals("top"),
    two_decimals("try"), two_decimals("ttd"), two_decimals("twd"), two_decimals("tzs"),
    two_decimals("uah"), currency("ugx", 2, 100, 100), currency("usd", 2, 50, 1), two_decimals("uyu"),
    two_decimals("uzs"), currency("vnd", 0, 1, 1), currency("vuv", 0, 1, 1), two_decimals("wst"),
    currency("xaf", 0, 1, 1), two_decimals("xcd"), two_decimals("xcg"), currency("xof", 0, 1, 1),
    currency("xpf", 0, 1, 1), two_decimals("yer"), two_decimals("zar"), two_decimals("zmw"),
];

/// A currency that Florin takes.
#[derive(Clone, Copy)]
pub struct Currency(&'static CurrencyFacts);

/// A text that names no currency that Florin takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown currency: {0}")]
pub struct UnknownCurrency(pub String);

impl Currency {
    /// Reads a three-letter code in any case.
    ///
    /// # Errors
    /// When Florin does not take that currency.
    pub fn parse(code: &str) -> Result<Self, UnknownCurrency> {
        CURRENCIES
            .iter()
            .find(|facts| facts.code.eq_ignore_ascii_case(code))
            .map(Self)
            .ok_or_else(|| UnknownCurrency(code.to_owned()))
    }

    /// The code in lower case, as Stripe writes it.
    pub fn code(self) -> &'static str {
        self.0.code
    }

    /// How many decimal places an amount of minor units stands for.
    pub fn exponent(self) -> u32 {
        self.0.exponent
    }

    /// What amounts must be a multiple of, in minor units.
    pub fn multiple(self) -> i64 {
        self.0.multiple
    }

    /// Whether an amount is such a multiple.
    pub fn allows(self, amount: Amount) -> bool {
        amount.0.checked_rem(self.0.multiple) == Some(0)
    }

    /// Every code, in alphabetical order, for an error that lists them.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        CURRENCIES.iter().map(|facts| facts.code)
    }
}

impl PartialEq for Currency {
    fn eq(&self, other: &Self) -> bool {
        self.code() == other.code()
    }
}

impl Eq for Currency {}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl schemars::JsonSchema for Currency {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[a-z]{3}$" })
    }
}

/// An amount in minor units with its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Minor units.
    pub amount: Amount,
    /// The currency whose minor units they are.
    pub currency: Currency,
}

impl Money {
    /// Money that a request asks to take from a card.
    ///
    /// # Errors
    /// When the amount is not positive, below the currency's minimum, above eight digits, or not a
    /// multiple that the currency allows.
    pub fn to_charge(amount: i64, currency: Currency) -> Result<Self, ApiError> {
        if amount < 1 {
            return Err(ApiError::AmountNotPositive { param: "amount".to_owned() });
        }
        if amount > MAX_AMOUNT {
            return Err(ApiError::AmountTooLarge { currency });
        }
        if amount < currency.0.minimum {
            return Err(ApiError::AmountTooSmall { minimum: currency.0.minimum, currency });
        }
        let amount = Amount::new(amount).map_err(|_| ApiError::AmountTooLarge { currency })?;
        if !currency.allows(amount) {
            return Err(ApiError::AmountNotMultiple { currency, param: "amount" });
        }
        Ok(Self { amount, currency })
    }

    /// Checks the part of this money that the platform wants for itself, in minor units.
    ///
    /// # Errors
    /// When it is negative, or more than there is.
    pub fn check_application_fee(self, fee: Option<i64>) -> Result<(), ApiError> {
        let all = self.amount.minor_units();
        let message = match fee {
            Some(fee) if fee < 0 => "This value must be greater than or equal to 0.".to_owned(),
            Some(fee) if fee > all => format!(
                "The application fee ({fee}) cannot be greater than the amount ({all}) that it is \
                 taken from."
            ),
            _ => return Ok(()),
        };
        Err(ApiError::ParameterInvalid { param: "application_fee_amount".to_owned(), message })
    }
}

/// The digits of minor units, and how many of them stand before the point.
fn digits(minor_units: i64, currency: Currency) -> (String, usize) {
    let exponent = currency.exponent() as usize;
    let digits =
        format!("{:0width$}", minor_units.unsigned_abs(), width = exponent.saturating_add(1));
    let whole = digits.len().saturating_sub(exponent);
    (digits, whole)
}

/// Writes minor units as a plain decimal of major units, as `10.50`, `500` or `-1.500`.
pub fn in_major_units(minor_units: i64, currency: Currency) -> String {
    let (digits, whole) = digits(minor_units, currency);
    let (whole, fraction) = digits.split_at(whole);
    let sign = if minor_units < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// Writes minor units for people, as `$10.50`, `¥500` or `1.500 kwd`.
pub fn for_people(minor_units: i64, currency: Currency) -> String {
    let (digits, whole) = digits(minor_units, currency);
    let (whole, fraction) = digits.split_at(whole);
    let mut number = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && whole.len().saturating_sub(place).checked_rem(3) == Some(0) {
            number.push(',');
        }
        number.push(digit);
    }
    if !fraction.is_empty() {
        number.push('.');
        number.push_str(fraction);
    }
    let sign = if minor_units < 0 { "-" } else { "" };
    match currency.code() {
        "usd" => format!("{sign}${number}"),
        "eur" => format!("{sign}€{number}"),
        "gbp" => format!("{sign}£{number}"),
        "jpy" => format!("{sign}¥{number}"),
        code => format!("{sign}{number} {code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).expect("a known currency")
    }

    #[test]
    fn amounts_are_written_for_people() {
        let cases = [
            (1050, "usd", "$10.50"),
            (99_999_999, "usd", "$999,999.99"),
            (500, "jpy", "¥500"),
            (1500, "kwd", "1.500 kwd"),
            (5, "eur", "€0.05"),
            (0, "jpy", "¥0"),
        ];
        for (amount, code, text) in cases {
            assert_eq!(for_people(amount, currency(code)), text);
        }
    }

    #[test]
    fn charges_are_bounded_by_their_currency() {
        for (amount, code, allowed) in [
            (50, "usd", true),
            (49, "usd", false),
            (0, "usd", false),
            (-1, "usd", false),
            (99_999_999, "usd", true),
            (100_000_000, "usd", false),
            (i64::MAX, "usd", false),
            (50, "jpy", true),
            (1230, "kwd", true),
            (1234, "kwd", false),
            (500, "isk", true),
            (550, "isk", false),
        ] {
            assert_eq!(
                Money::to_charge(amount, currency(code)).is_ok(),
                allowed,
                "{amount} {code}"
            );
        }
    }

    #[test]
    fn codes_are_sorted_and_unique() {
        let codes: Vec<_> = Currency::codes().collect();
        assert!(codes.windows(2).all(|pair| pair.first() < pair.last()));
    }

    proptest! {
        #[test]
        #[expect(clippy::arithmetic_side_effects, reason = "the model is wider than what it checks")]
        fn arithmetic_is_exact_or_refused(left in 0..=i64::MAX, right in 0..=i64::MAX) {
            if let (Ok(a), Ok(b)) = (Amount::new(left), Amount::new(right)) {
                let wide = i128::from(left) + i128::from(right);
                match a.plus(b) {
                    Ok(sum) => prop_assert_eq!(i128::from(sum.minor_units()), wide),
                    Err(_) => prop_assert!(wide >= 1 << 53),
                }
                match a.minus(b) {
                    Ok(rest) => prop_assert_eq!(rest.minor_units(), left - right),
                    Err(_) => prop_assert!(left < right),
                }
            }
        }
    }
}
