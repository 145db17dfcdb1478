//! Amounts: integer counts of minor units, checked at every step.

use serde::{Deserialize, Serialize};

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
