//! A moment, in whole seconds since the Unix epoch: the unit of every time that Stripe's API shows.

use serde::{Deserialize, Serialize};

/// Seconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(inline))]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// One hour, in seconds.
pub const HOUR: i64 = 3_600;

/// One day, in seconds.
pub const DAY: i64 = 24 * HOUR;

/// A day of the ledger, in UTC: whole days since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Day(pub i64);

impl Day {
    /// Its first moment.
    pub fn start(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(DAY))
    }

    /// The day that is so many days later.
    pub fn plus(self, days: i64) -> Self {
        Self(self.0.saturating_add(days))
    }
}

impl Timestamp {
    /// The day that it falls on, in UTC.
    pub fn day(self) -> Day {
        Day(self.0.div_euclid(DAY))
    }

    /// The moment `seconds` later; the end of time where that overflows.
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds since the Unix epoch.
    pub fn seconds(self) -> i64 {
        self.0
    }
}
