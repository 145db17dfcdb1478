//! When an account is paid out by itself (<https://docs.stripe.com/payouts#payout-schedule>).

use serde::{Deserialize, Serialize};

use crate::timestamp::Day;

/// How often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// Never: the merchant asks for each payout.
    #[default]
    Manual,
    /// Each day.
    Daily,
    /// On one day of the week.
    Weekly,
    /// On one day of the month.
    Monthly,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the days' own")]
pub enum Weekday {
    #[default]
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    fn of(day: Day) -> Self {
        // The first day of 1970 was a Thursday.
        let place = usize::try_from(day.0.saturating_add(3).rem_euclid(7)).unwrap_or_default();
        Self::ALL.get(place).copied().unwrap_or_default()
    }
}

/// When an account is paid out by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PayoutSchedule {
    /// How often.
    pub interval: Interval,
    /// After how many days money is available; what the settings say otherwise unless given.
    pub delay_days: Option<u16>,
    /// On which day of the week.
    pub weekly_anchor: Weekday,
    /// On which day of the month; the last one of a month that is shorter.
    pub monthly_anchor: u8,
}

impl Default for PayoutSchedule {
    fn default() -> Self {
        Self {
            interval: Interval::Manual,
            delay_days: None,
            weekly_anchor: Weekday::Monday,
            monthly_anchor: 1,
        }
    }
}

impl PayoutSchedule {
    /// Whether money leaves on this day.
    pub fn pays_on(&self, day: Day) -> bool {
        match self.interval {
            Interval::Manual => false,
            Interval::Daily => true,
            Interval::Weekly => Weekday::of(day) == self.weekly_anchor,
            Interval::Monthly => {
                let anchor = i64::from(self.monthly_anchor);
                let of_month = day_of_month(day);
                let is_last = day_of_month(day.plus(1)) == 1;
                of_month == anchor || (is_last && anchor > of_month)
            }
        }
    }

    /// The last day up to this one on which money was to leave.
    pub fn last_until(&self, day: Day) -> Option<Day> {
        (0..=30).map(|days: i64| day.plus(days.saturating_neg())).find(|day| self.pays_on(*day))
    }

    /// The first day after this one on which money leaves.
    pub fn next_after(&self, day: Day) -> Option<Day> {
        (1..=31).map(|days| day.plus(days)).find(|day| self.pays_on(*day))
    }
}

/// The day of the month, by the Gregorian calendar counted in eras of 400 years that begin in March
/// (<https://howardhinnant.github.io/date_algorithms.html#civil_from_days>).
fn day_of_month(day: Day) -> i64 {
    let of_era = day.0.saturating_add(719_468).rem_euclid(146_097);
    let year = of_era
        .saturating_sub(of_era.div_euclid(1_460))
        .saturating_add(of_era.div_euclid(36_524))
        .saturating_sub(of_era.div_euclid(146_096))
        .div_euclid(365);
    let before = year
        .saturating_mul(365)
        .saturating_add(year.div_euclid(4))
        .saturating_sub(year.div_euclid(100));
    let of_year = of_era.saturating_sub(before);
    let month = of_year.saturating_mul(5).saturating_add(2).div_euclid(153);
    let first = month.saturating_mul(153).saturating_add(2).div_euclid(5);
    of_year.saturating_sub(first).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 January 2024, a Monday.
    const MONDAY: Day = Day(19_723);

    fn days(schedule: &PayoutSchedule, count: i64) -> Vec<i64> {
        (0..count).filter(|days| schedule.pays_on(MONDAY.plus(*days))).collect()
    }

    #[test]
    fn weeks_have_their_day() {
        let schedule = PayoutSchedule {
            interval: Interval::Weekly,
            weekly_anchor: Weekday::Wednesday,
            ..PayoutSchedule::default()
        };
        assert_eq!(days(&schedule, 15), [2, 9]);
        assert_eq!(schedule.next_after(MONDAY.plus(2)), Some(MONDAY.plus(9)));
    }

    #[test]
    fn months_have_their_day_or_their_last() {
        let monthly = |monthly_anchor| PayoutSchedule {
            interval: Interval::Monthly,
            monthly_anchor,
            ..PayoutSchedule::default()
        };
        // The first of January to May 2024, a leap year.
        assert_eq!(days(&monthly(1), 125), [0, 31, 60, 91, 121]);
        // The ends of January to April.
        assert_eq!(days(&monthly(31), 121), [30, 59, 90, 120]);
        assert_eq!(days(&monthly(30), 121), [29, 59, 89, 120]);
        assert_eq!(PayoutSchedule::default().next_after(MONDAY), None);
    }
}
