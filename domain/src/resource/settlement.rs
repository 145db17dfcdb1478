//! What processors report of what they settled, and how it differs from our books. Stripe has nothing of the kind.

use serde::Serialize;

use super::Constant;
use crate::settlement::{Break, BreakKind, BreakStatus, SettlementReport};
use crate::timestamp::Timestamp;

/// What a processor reports of what it settled.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "florin.settlement_report")
)]
pub struct SettlementReportResource<'a> {
    /// Its identifier: the same file is the same report.
    pub id: &'a str,
    /// `florin.settlement_report`
    pub object: Constant,
    /// The account at the processor.
    pub connector_account: &'a str,
    /// When it was handed in.
    pub created: Timestamp,
    /// How many lines it has.
    pub lines: i64,
    /// Whether it is about real money.
    pub livemode: bool,
    /// `reconciled` once every line that was reported of the account is held against the books, and `pending` until then.
    pub status: Constant,
}

impl<'a> From<&'a SettlementReport> for SettlementReportResource<'a> {
    fn from(report: &'a SettlementReport) -> Self {
        Self {
            id: report.id.as_str(),
            object: "florin.settlement_report",
            connector_account: report.connector_account.as_str(),
            created: report.created,
            lines: report.lines,
            livemode: report.livemode,
            status: if report.is_reconciled { "reconciled" } else { "pending" },
        }
    }
}

/// A difference between what a processor reports and our books.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "florin.settlement_break")
)]
pub struct SettlementBreakResource<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// `florin.settlement_break`
    pub object: Constant,
    /// The account at the processor.
    pub connector_account: &'a str,
    /// When it was found first.
    pub created: Timestamp,
    /// The currency of both amounts.
    pub currency: &'a str,
    /// The amount by our books, in minor units; null where they know of nothing.
    pub expected: Option<i64>,
    /// The amount by the report, in minor units; null where it says nothing.
    pub found: Option<i64>,
    /// How the two sides differ.
    pub kind: BreakKind,
    /// Whether it is about real money.
    pub livemode: bool,
    /// What the person found who resolved it.
    pub note: Option<&'a str>,
    /// Our side: the cause of an entry of the ledger, or a payment attempt.
    pub ours: Option<&'a str>,
    /// `open`, `closed` since both sides agree, or `resolved` by a person.
    pub status: BreakStatus,
    /// What it is about: the processor's own name of a movement or payout, or the cause of an entry of the ledger.
    pub subject: &'a str,
    /// Their side: a report and its line, or a payout.
    pub theirs: Option<&'a str>,
}

impl<'a> From<&'a Break> for SettlementBreakResource<'a> {
    fn from(found: &'a Break) -> Self {
        Self {
            id: found.id.as_str(),
            object: "florin.settlement_break",
            connector_account: found.connector_account.as_str(),
            created: found.created,
            currency: found.currency.code(),
            expected: found.expected,
            found: found.found,
            kind: found.kind,
            livemode: found.livemode,
            note: found.note.as_deref(),
            ours: found.ours.as_deref(),
            status: found.status,
            subject: &found.subject,
            theirs: found.theirs.as_deref(),
        }
    }
}
