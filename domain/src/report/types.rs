//! Which reports there are, what each is about, and what it has to be told.

use super::Parameters;
use super::columns::{self, BALANCE, ITEMIZED, PAID_OUT, PAYOUTS, SUMMARY};
use crate::balance_transaction::Kind;

/// Which transactions a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// All of an interval, beside the balance before and after.
    Balance,
    /// Those of an interval, but for payouts.
    Activity,
    /// The payouts of an interval, and those that came back.
    Payouts,
    /// Those that the automatic payouts of an interval carry.
    PaidOut,
    /// Those that one automatic payout carries.
    OnePayout,
    /// Those that no automatic payout carried before a moment: what they add up to is the balance then.
    NotPaidOut,
}

/// How a report shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The balance before and after, and what lies between.
    Balance,
    /// A line for each.
    Itemized,
    /// A line for each currency and category, and a total.
    Summary,
}

/// A report that can be asked for.
#[derive(Debug)]
pub struct ReportType {
    /// Its identifier, which ends in its version.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// What it is about.
    pub subject: Subject,
    /// How it shows that.
    pub shape: Shape,
    /// What it shows unless told otherwise.
    pub columns: &'static [&'static str],
}

const fn report(
    id: &'static str,
    name: &'static str,
    (subject, shape): (Subject, Shape),
    columns: &'static [&'static str],
) -> ReportType {
    ReportType { id, name, subject, shape, columns }
}

/// Every report.
pub static TYPES: &[ReportType] = &[
    report("balance.summary.1", "Balance summary", (Subject::Balance, Shape::Balance), BALANCE),
    report(
        "balance_change_from_activity.itemized.3",
        "Itemized balance change from activity",
        (Subject::Activity, Shape::Itemized),
        ITEMIZED,
    ),
    report(
        "balance_change_from_activity.summary.1",
        "Balance change from activity summary",
        (Subject::Activity, Shape::Summary),
        SUMMARY,
    ),
    report(
        "ending_balance_reconciliation.itemized.4",
        "Itemized ending balance reconciliation",
        (Subject::NotPaidOut, Shape::Itemized),
        ITEMIZED,
    ),
    report(
        "ending_balance_reconciliation.summary.1",
        "Ending balance reconciliation summary",
        (Subject::NotPaidOut, Shape::Summary),
        SUMMARY,
    ),
    report(
        "payout_reconciliation.by_id.itemized.4",
        "Itemized payout reconciliation by ID",
        (Subject::OnePayout, Shape::Itemized),
        PAID_OUT,
    ),
    report(
        "payout_reconciliation.by_id.summary.1",
        "Payout reconciliation summary by ID",
        (Subject::OnePayout, Shape::Summary),
        SUMMARY,
    ),
    report(
        "payout_reconciliation.itemized.5",
        "Itemized payout reconciliation",
        (Subject::PaidOut, Shape::Itemized),
        PAID_OUT,
    ),
    report(
        "payout_reconciliation.summary.1",
        "Payout reconciliation summary",
        (Subject::PaidOut, Shape::Summary),
        SUMMARY,
    ),
    report("payouts.itemized.3", "Itemized payouts", (Subject::Payouts, Shape::Itemized), PAYOUTS),
    report("payouts.summary.1", "Payouts summary", (Subject::Payouts, Shape::Summary), SUMMARY),
];

impl ReportType {
    /// The report of this identifier.
    pub fn find(id: &str) -> Option<&'static Self> {
        TYPES.iter().find(|known| known.id == id)
    }

    /// The version that its identifier ends in.
    pub fn version(&self) -> i64 {
        self.id.rsplit('.').next().and_then(|version| version.parse().ok()).unwrap_or(1)
    }

    /// Whether it has a column of this name.
    pub fn has_column(&self, name: &str) -> bool {
        match (self.shape, self.subject) {
            (Shape::Balance, _) => BALANCE.contains(&name),
            (Shape::Summary, _) => SUMMARY.contains(&name),
            (Shape::Itemized, Subject::Payouts) => columns::is_of_payouts(name),
            (Shape::Itemized, _) => columns::is_of_transactions(name),
        }
    }

    /// Whether any of these columns, or what it is about, needs more than the transactions themselves.
    pub fn needs_links(&self, columns: &[String]) -> bool {
        self.shape == Shape::Itemized && !columns.iter().all(|name| columns::is_own(name))
    }

    /// Whether it has to know which payout carries a transaction.
    pub fn needs_payouts(&self) -> bool {
        matches!(self.subject, Subject::PaidOut | Subject::OnePayout | Subject::NotPaidOut)
    }

    /// The first parameter that it needs and was not given, by its name.
    pub fn missing(&self, given: &Parameters) -> Option<&'static str> {
        let needed = match self.subject {
            Subject::OnePayout => [("payout", given.payout.is_some()), ("", true)],
            Subject::NotPaidOut => [("", true), ("interval_end", given.interval_end.is_some())],
            _ => [
                ("interval_start", given.interval_start.is_some()),
                ("interval_end", given.interval_end.is_some()),
            ],
        };
        needed.into_iter().find(|(_, is_given)| !is_given).map(|(name, _)| name)
    }

    /// The first parameter that was given and means nothing to it, by its name.
    pub fn unknown(&self, given: &Parameters) -> Option<&'static str> {
        let by_id = self.subject == Subject::OnePayout;
        let unknown = [
            ("currency", by_id && given.currency.is_some()),
            ("interval_end", by_id && given.interval_end.is_some()),
            (
                "interval_start",
                (by_id || self.subject == Subject::NotPaidOut) && given.interval_start.is_some(),
            ),
            ("payout", !by_id && given.payout.is_some()),
            (
                "reporting_category",
                self.shape != Shape::Itemized && given.reporting_category.is_some(),
            ),
        ];
        unknown.into_iter().find(|(_, is_unknown)| *is_unknown).map(|(name, _)| name)
    }
}

impl Kind {
    /// Whether it is a payout, or one that came back: all else is activity.
    pub fn is_payout(self) -> bool {
        matches!(self.reporting_category(), "payout" | "payout_reversal")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payouts_and_what_came_back_of_them_are_no_activity() {
        for kind in [Kind::Payout, Kind::AutomaticPayout, Kind::PayoutCancel, Kind::PayoutFailure] {
            assert!(kind.is_payout(), "{kind:?}");
        }
        for kind in [Kind::Charge, Kind::Refund, Kind::RefundFailure, Kind::DisputeReversal] {
            assert!(!kind.is_payout(), "{kind:?}");
        }
    }

    #[test]
    fn every_report_has_the_columns_that_it_shows() {
        for report in TYPES {
            for column in report.columns {
                assert!(report.has_column(column), "{} {column}", report.id);
            }
            assert!(!report.has_column("nonsense"), "{}", report.id);
            assert_eq!(ReportType::find(report.id).map(|found| found.id), Some(report.id));
        }
        let versions: Vec<_> = TYPES.iter().map(ReportType::version).collect();
        assert_eq!(versions, [1, 3, 1, 4, 1, 4, 1, 5, 1, 3, 1]);
    }
}
