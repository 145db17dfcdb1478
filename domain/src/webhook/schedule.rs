//! When a delivery that failed is tried again.
//!
//! Source: <https://docs.stripe.com/webhooks#retries>: up to three days with a growing pause in live
//! mode, a few times in test mode.

use crate::timestamp::{DAY, HOUR, Timestamp};

/// The pauses in live mode, in seconds; the last one repeats until [`LIVE_PATIENCE`] is over.
const LIVE: [i64; 10] = [5, 30, 120, 600, 1_800, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR];

/// How long after its event a delivery is tried in live mode, in seconds.
const LIVE_PATIENCE: i64 = 3 * DAY;

/// The pauses in test mode, in seconds; after the last one nothing more is tried.
const TEST: [i64; 5] = [2, 5, 15, 60, 300];

/// The longest pause that an endpoint can ask for by `Retry-After`, in seconds: an hour in live mode.
const LONGEST_WISH: [i64; 2] = [300, HOUR];

/// When to try again after so many attempts, the last one of them now; nothing once the time for it
/// is over.
///
/// `first` is when the delivery was to be made at first, `wish` what the endpoint asked for by
/// `Retry-After` in seconds, and `random` spreads the pauses by a fifth to both sides, so that what
/// failed together does not come back together.
pub fn next_attempt(
    attempts: i64,
    first: Timestamp,
    now: Timestamp,
    livemode: bool,
    wish: Option<i64>,
    random: u8,
) -> Option<Timestamp> {
    let place = usize::try_from(attempts.saturating_sub(1)).ok()?;
    let pause = match livemode {
        true => *LIVE.get(place).or(LIVE.last())?,
        false => *TEST.get(place)?,
    };
    // From 80 to 120 percent, in whole seconds and never none.
    let percent = i64::from(random).saturating_mul(40).checked_div(255)?.saturating_add(80);
    let spread = pause.saturating_mul(percent).checked_div(100)?.max(1);
    let pause = wish.map_or(spread, |wish| spread.max(heard(wish, livemode)));
    let at = now.plus(pause);
    let is_over = livemode && at > first.plus(LIVE_PATIENCE);
    (!is_over).then_some(at)
}

/// For how many of the seconds that an endpoint asks to be left in peace it is.
pub fn heard(wish: i64, livemode: bool) -> i64 {
    let [test, live] = LONGEST_WISH;
    wish.min(if livemode { live } else { test })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(livemode: bool, random: u8) -> Vec<i64> {
        let mut times = Vec::new();
        let mut now = Timestamp(0);
        while let Some(at) = next_attempt(
            i64::try_from(times.len()).unwrap_or(0).saturating_add(1),
            Timestamp(0),
            now,
            livemode,
            None,
            random,
        ) {
            times.push(at.seconds());
            now = at;
        }
        times
    }

    #[test]
    fn live_deliveries_are_tried_for_three_days() {
        for random in [0, 128, 255] {
            let times = all(true, random);
            let last = *times.last().expect("a try");
            assert!((12..=18).contains(&times.len()), "{times:?}");
            assert!((2 * DAY..=3 * DAY).contains(&last), "{times:?}");
        }
    }

    #[test]
    fn test_deliveries_are_tried_for_minutes() {
        assert_eq!(all(false, 128), [2, 7, 22, 82, 382]);
    }

    #[test]
    fn a_wish_is_heard_within_bounds() {
        let pause = |livemode, wish| {
            next_attempt(1, Timestamp(0), Timestamp(0), livemode, Some(wish), 128)
                .map(Timestamp::seconds)
        };
        assert_eq!(pause(true, 1), Some(5));
        assert_eq!(pause(true, 900), Some(900));
        assert_eq!(pause(true, i64::MAX), Some(3_600));
        assert_eq!(pause(false, 86_400), Some(300));
        assert_eq!(pause(true, i64::MIN), Some(5));
    }
}
