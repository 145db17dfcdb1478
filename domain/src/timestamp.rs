//! A moment, in whole seconds since the Unix epoch: the unit of every time that Stripe's API shows.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
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
    /// Reads a moment of UTC, as `2026-01-31 23:59:59`, `2026-01-31T23:59:59.000Z` or `2026-01-31`.
    pub fn from_text(text: &str) -> Option<Self> {
        let numbers: Vec<u32> = text
            .split(|char: char| !char.is_ascii_digit())
            .filter_map(|part| part.parse().ok())
            .collect();
        let at = |place: usize| numbers.get(place).copied().unwrap_or_default();
        let year = i32::try_from(at(0)).ok().filter(|_| numbers.len() >= 3)?;
        let date = NaiveDate::from_ymd_opt(year, at(1), at(2))?;
        let time = NaiveTime::from_hms_opt(at(3), at(4), at(5))?;
        Some(Self(NaiveDateTime::new(date, time).and_utc().timestamp()))
    }

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
