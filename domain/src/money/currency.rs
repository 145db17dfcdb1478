//! Currencies: their codes, decimals and smallest charges.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Amount;

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
        amount.minor_units().checked_rem(self.0.multiple) == Some(0)
    }

    /// What payouts must be a multiple of, in minor units: banks take some currencies whole that cards are
    /// charged in parts of (<https://docs.stripe.com/currencies#special-cases>).
    pub fn payout_multiple(self) -> i64 {
        match self.code() {
            "huf" | "twd" => 100,
            _ => self.0.multiple,
        }
    }

    /// A fraction of minor units as an amount that it allows: the nearest one, the upper of two as near.
    /// Nothing where that is none.
    pub fn nearest(self, numerator: i128, denominator: i128) -> Amount {
        let multiple = i128::from(self.0.multiple);
        let step = denominator.saturating_mul(multiple);
        let doubled = numerator.saturating_mul(2).saturating_add(step);
        let multiples = doubled.checked_div(step.saturating_mul(2)).unwrap_or_default();
        let rounded = i64::try_from(multiples.saturating_mul(multiple)).unwrap_or_default();
        Amount::new(rounded).unwrap_or_default()
    }

    /// The smallest charge in minor units.
    pub fn minimum(self) -> i64 {
        self.0.minimum
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
