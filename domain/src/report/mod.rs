//! Reports: what a merchant's finance team closes its books with.
//!
//! Every report reads the balance transactions of an interval in the order in which they were made, a
//! slice at a time, and writes a line for each that it is about, or sums them. What it has read so far
//! is its [`Progress`]. Source: <https://docs.stripe.com/reports/report-types>.

mod columns;
mod csv;
mod line;
mod sums;
mod types;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::file::File;
use crate::id::{FileId, Id, ReportRunId, base62};
use crate::money::{Currency, SignedAmount};
use crate::timestamp::{HOUR, Timestamp};

pub use csv::record;
pub use line::{Clock, Line, date_time};
pub use sums::{Books, Sum, Sums, balance_records, summary_records};
pub use types::{ReportType, Shape, Subject, TYPES};

/// How long after a moment its transactions are all there, in seconds: by then no request that began before
/// it still writes.
const CLOSES_AFTER: i64 = HOUR;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "report_run_status")
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is being written.
    Pending,
    /// Its file is there.
    Succeeded,
    /// It could not be written.
    Failed,
}

impl Status {
    /// The name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// What a report is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "report_run_parameters")
)]
#[serde(default)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Parameters {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_end: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_start: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payout: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reporting_category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// A run of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRun {
    /// Its identifier.
    pub id: ReportRunId,
    /// Whether it is about real money.
    pub livemode: bool,
    /// When it was asked for.
    pub created: Timestamp,
    /// Counts its changes; a change names the version that it saw.
    pub version: i64,
    /// The report, as `balance.summary.1`.
    pub report_type: String,
    /// Where it stands.
    pub status: Status,
    /// The rest.
    pub details: Details,
}

/// What is only echoed of a run, or read after its row was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// What was asked for.
    pub parameters: Parameters,
    /// Where the deployment was reached, for the link to the file.
    pub origin: String,
    /// Why it could not be written.
    pub error: Option<String>,
    /// When its file was there.
    pub succeeded_at: Option<Timestamp>,
    /// Its file.
    pub result: Option<File>,
    /// How far it has come.
    pub progress: Progress,
}

/// How far a run has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// When the last transaction that it read was made, and its sequence; nothing before it began.
    pub after: Option<(Timestamp, i64)>,
    /// What it read is summed so far.
    pub sums: Sums,
    /// The books as they stood when it began, where it compares with them.
    pub books: Books,
    /// The objects that hold what it wrote, in order.
    pub parts: Vec<String>,
    /// How many bytes they have.
    pub size: i64,
}

impl ReportRun {
    /// The file that it makes: one, however often it is begun again.
    pub fn file_id(&self) -> FileId {
        let digest: [u8; 32] = Sha256::digest(self.id.as_str().as_bytes()).into();
        FileId::from_checked(format!("{}{}", FileId::PREFIX, base62(&digest)))
    }

    /// The file, once all of it is written.
    pub fn file(&self, now: Timestamp) -> File {
        File {
            id: self.file_id(),
            created: now,
            filename: format!("{}.csv", self.id),
            origin: self.details.origin.clone(),
            size: self.details.progress.size,
            title: format!("FinanceReportRun {}", self.id),
        }
    }

    /// The name of the object that holds a part of the file: of other bytes, another, so that two runners
    /// of one step cannot mix theirs.
    pub fn part_name(&self, account: &str, part: &[u8]) -> String {
        let number = self.details.progress.parts.len();
        let digest: [u8; 32] = Sha256::digest(part).into();
        format!("{account}/{}/{number}-{}", self.file_id(), base62(&digest))
    }
}

/// From when to when reports can be asked for: what is in between is never added to any more.
pub fn available(account_created: Timestamp, now: Timestamp) -> (Timestamp, Timestamp) {
    let start = account_created.day().start();
    let closed = now.plus(CLOSES_AFTER.saturating_neg()).seconds();
    let end = Timestamp(closed.saturating_sub(closed.rem_euclid(HOUR)));
    (start, end.max(start))
}

/// Minor units as a plain decimal of major units, with as many places as the currency has.
fn major_units(amount: SignedAmount, currency: Currency) -> String {
    crate::money::in_major_units(amount.minor_units(), currency)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::DAY;

    #[test]
    fn an_hour_is_available_an_hour_after_it_ended() {
        let noon = DAY / 2;
        for (now, end) in [(3600, 0), (3599, 0), (7199, 0), (7200, 3600), (noon + 1, noon - 3600)] {
            assert_eq!(available(Timestamp(0), Timestamp(now)).1, Timestamp(end), "{now}");
        }
        // What was made today begins today.
        let today = available(Timestamp(5 * DAY + 60), Timestamp(5 * DAY + 120));
        assert_eq!(today, (Timestamp(5 * DAY), Timestamp(5 * DAY)));
    }
}
