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

impl Timestamp {
    /// The moment `seconds` later; the end of time where that overflows.
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds since the Unix epoch.
    pub fn seconds(self) -> i64 {
        self.0
    }
}
