//! Files that merchants download: what a report came to.

use serde::{Deserialize, Serialize};

use crate::id::FileId;
use crate::timestamp::{DAY, Timestamp};

/// How long a file can be downloaded, in seconds.
pub const LIFETIME: i64 = 365 * DAY;

/// A file. Once made, it never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its identifier.
    pub id: FileId,
    /// When it was made.
    pub created: Timestamp,
    /// What it is called on a disk.
    pub filename: String,
    /// Where the deployment is reached, as `https://pay.example.com`.
    pub origin: String,
    /// How many bytes it has.
    pub size: i64,
    /// What it is called for people.
    pub title: String,
}

impl File {
    /// What all files are for, so far.
    pub const PURPOSE: &'static str = "finance_report_run";

    /// From when on it cannot be downloaded any more.
    pub fn expires_at(&self) -> Timestamp {
        self.created.plus(LIFETIME)
    }
}
