//! Wake-ups: when the heartbeat is to look at its work.

use domain::Timestamp;
use serde::{Deserialize, Serialize};

/// A wake-up on its way through the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wake {
    /// When there is work.
    pub due_at: Timestamp,
}

/// The moments that the heartbeat was woken for and has not looked at since, the earliest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wakes(Vec<Timestamp>);

/// The most moments that are remembered. The latest go first: the heartbeat looks by itself until then.
const REMEMBERED: usize = 100;

impl Wakes {
    /// Remembers further moments.
    pub fn add(&mut self, moments: impl IntoIterator<Item = Timestamp>) {
        self.0.extend(moments);
        self.0.sort_unstable();
        self.0.dedup();
        self.0.truncate(REMEMBERED);
    }

    /// A beat begins, which serves what was wanted until now.
    pub fn begin(&mut self, now: Timestamp) {
        self.0.retain(|moment| *moment > now);
    }

    /// The earliest moment that is left.
    pub fn earliest(&self) -> Option<Timestamp> {
        self.0.first().copied()
    }
}

/// The moment that a message asks for.
///
/// # Errors
/// Says why the message cannot be read.
pub fn due_at(message: &str) -> Result<Timestamp, String> {
    match domain::kept::from_text::<Wake>(message) {
        Ok(wake) => Ok(wake.due_at),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_up_says_when() {
        assert_eq!(due_at("{\"due_at\":7}"), Ok(Timestamp(7)));
        assert!(due_at("poison").is_err());
        assert!(due_at("{}").is_err());
    }

    #[test]
    fn a_later_wake_up_was_forgotten_when_an_earlier_one_was_served() {
        let mut wakes = Wakes::default();
        wakes.add([Timestamp(16), Timestamp(10)]);
        wakes.begin(Timestamp(10));
        assert_eq!(wakes.earliest(), Some(Timestamp(16)));
        // One that comes while the heart beats may be for what this beat has looked at already.
        wakes.add([Timestamp(10)]);
        assert_eq!(wakes.earliest(), Some(Timestamp(10)));
        wakes.begin(Timestamp(16));
        assert_eq!(wakes.earliest(), None);
    }

    #[test]
    fn no_rush_of_wake_ups_fills_the_memory() {
        let mut wakes = Wakes::default();
        wakes.add((0..1_000).map(Timestamp));
        assert_eq!((wakes.0.len(), wakes.earliest()), (REMEMBERED, Some(Timestamp(0))));
    }
}
