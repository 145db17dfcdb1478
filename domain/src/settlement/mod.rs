//! Settlement: what processors report of the money that they moved and paid out, held against our books.
//!
//! A report has a line for each movement of an account's balance at its processor. A line that our books know of, in each
//! of its amounts, is booked; what only one side knows, or both know differently, is a *break*, which names both sides and
//! is never guessed away.

mod matching;
mod report;

use serde::{Deserialize, Serialize};

use crate::id::{
    ConnectorAccountId, Id, SettlementBreakId, SettlementReportId, base62, keyed_digest,
};
use crate::money::{Currency, SignedAmount};
use crate::timestamp::{DAY, Day, Timestamp};

pub use matching::{Booking, Difference, Ours, Verdict, is_as_converted, judge};
pub use report::{Unreadable, read};

/// For how many seconds a processor may leave out of its reports what it moved, while it reports what came later.
pub const WINDOW: i64 = 5 * DAY;

/// What a line of a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Money was taken; or, of less than was authorised, the rest let go of.
    Charge,
    /// It went back.
    Refund,
    /// A refund came back.
    RefundFailure,
    /// A cardholder disputes it.
    Dispute,
    /// The merchant won.
    DisputeReversal,
    /// The processor paid out what it held, or took it back.
    Payout,
    /// What the processor takes for its service, beside any payment.
    Fee,
    /// Anything else.
    Other,
}

impl Kind {
    /// Reads Stripe's `reporting_category` (<https://docs.stripe.com/reports/reporting-categories>).
    fn of_category(category: &str) -> Self {
        match category {
            "charge" | "partial_capture_reversal" => Self::Charge,
            "refund" => Self::Refund,
            "refund_failure" => Self::RefundFailure,
            "dispute" => Self::Dispute,
            "dispute_reversal" => Self::DisputeReversal,
            "payout" | "payout_reversal" => Self::Payout,
            "fee" | "network_cost" | "tax" => Self::Fee,
            _ => Self::Other,
        }
    }
}

/// A movement of the balance of an account at its processor, as a report tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The processor's own name of the movement: what is told twice has the same.
    pub reference: String,
    /// The line of the file on which it ends, from 1.
    pub number: i64,
    /// What it is about.
    pub kind: Kind,
    /// The processor's reference of what moved: a charge, refund, dispute or payout.
    pub source: Option<String>,
    /// The processor's reference of the payment.
    pub payment: Option<String>,
    /// The key under which we asked for it.
    pub key: Option<String>,
    /// The currency in which it is settled.
    pub currency: Currency,
    /// What moved; what went is negative.
    pub gross: SignedAmount,
    /// What the processor kept of it; what it gave back is negative.
    pub fee: SignedAmount,
    /// What is left: the gross less the fee.
    pub net: SignedAmount,
    /// What the cardholder paid or got, in the currency of the payment.
    pub presented: SignedAmount,
    /// The currency of the payment.
    pub presented_currency: Currency,
    /// The rate between the two, where the report says it.
    pub exchange_rate: Option<String>,
    /// The payout that carried it.
    pub payout: Option<String>,
    /// When it moved.
    pub created: Timestamp,
    /// A digest of all that is to be booked: one that differs is a correction.
    pub content: String,
}

impl Line {
    /// A digest of all that is to be booked. When it moved, and which payout carried it, may be told differently, as in
    /// another time zone or before it was paid out.
    fn digest(&self) -> String {
        let mut bare = self.clone();
        (bare.number, bare.created, bare.payout) = (0, Timestamp(0), None);
        let text = serde_json::to_string(&bare).unwrap_or_default();
        base62(&keyed_digest(b"settlement_line", &[text.as_bytes()]))
    }
}

macro_rules! break_kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// How two sides differ.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(
            feature = "openapi",
            derive(schemars::JsonSchema),
            schemars(rename = "settlement_break_kind")
        )]
        pub enum BreakKind {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)*
        }

        impl BreakKind {
            /// The name in the API and the database.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

break_kinds! {
    /// The processor moved another amount.
    AmountMismatch = "amount_mismatch",
    /// The processor moved another currency.
    CurrencyMismatch = "currency_mismatch",
    /// The processor tells a second time of what it had settled.
    DuplicateExternal = "duplicate_external",
    /// The processor kept another fee than is agreed.
    FeeMismatch = "fee_mismatch",
    /// What was converted differs by one minor unit from what the rate makes of it.
    FxRounding = "fx_rounding",
    /// Our books know of it, and the processor does not report it.
    MissingExternal = "missing_external",
    /// The processor moved money of which our books know nothing.
    MissingInternal = "missing_internal",
    /// The processor took a fee that belongs to no payment.
    OrphanFee = "orphan_fee",
    /// A payout is not the sum of what it carries.
    PayoutTotalMismatch = "payout_total_mismatch",
    /// The processor moved money for an attempt that did not succeed here.
    StatusMismatch = "status_mismatch",
    /// The processor tells of a dispute that is unknown here.
    UnmatchedDispute = "unmatched_dispute",
    /// The processor tells of a refund that is unknown here.
    UnmatchedRefund = "unmatched_refund",
}

/// Where a break stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "settlement_break_status")
)]
#[serde(rename_all = "snake_case")]
pub enum BreakStatus {
    /// A person should look at it.
    Open,
    /// Both sides agree since.
    Closed,
    /// A person looked at it.
    Resolved,
}

impl BreakStatus {
    /// The name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Resolved => "resolved",
        }
    }
}

/// A difference between what a processor reports and our books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// Its identifier.
    pub id: SettlementBreakId,
    /// Whether it is about real money.
    pub livemode: bool,
    /// When it was found first.
    pub created: Timestamp,
    /// The account at the processor.
    pub connector_account: ConnectorAccountId,
    /// How they differ.
    pub kind: BreakKind,
    /// What it is about: the processor's own name of a line or payout, or the cause of an entry of our ledger.
    pub subject: String,
    /// Our side: the cause of an entry of our ledger, or an attempt.
    pub ours: Option<String>,
    /// Their side: the processor's reference, with the report and its line.
    pub theirs: Option<String>,
    /// The currency of both amounts.
    pub currency: Currency,
    /// The amount by our books; none where they know of nothing.
    pub expected: Option<i64>,
    /// The amount by the report; none where it says nothing.
    pub found: Option<i64>,
    /// Where it stands.
    pub status: BreakStatus,
    /// What the person found who resolved it.
    pub note: Option<String>,
}

impl Break {
    /// The identifier of what differs about something: it is found once, however often it is looked for.
    pub fn id_of(
        account: &ConnectorAccountId,
        kind: BreakKind,
        subject: &str,
    ) -> SettlementBreakId {
        let parts = [account.as_str().as_bytes(), kind.name().as_bytes(), subject.as_bytes()];
        let digest = keyed_digest(b"settlement_break", &parts);
        SettlementBreakId::from_checked(format!("{}{}", SettlementBreakId::PREFIX, base62(&digest)))
    }
}

/// A report that somebody handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementReport {
    /// Its identifier.
    pub id: SettlementReportId,
    /// Whether it is about real money.
    pub livemode: bool,
    /// When it was handed in.
    pub created: Timestamp,
    /// The account at the processor.
    pub connector_account: ConnectorAccountId,
    /// How many lines it has.
    pub lines: i64,
    /// Whether all of its lines were held against our books.
    pub is_reconciled: bool,
}

impl SettlementReport {
    /// The identifier of a file of an account: the same file is the same report.
    pub fn id_of(account: &ConnectorAccountId, file: &[u8]) -> SettlementReportId {
        let digest = keyed_digest(b"settlement_report", &[account.as_str().as_bytes(), file]);
        SettlementReportId::from_checked(format!(
            "{}{}",
            SettlementReportId::PREFIX,
            base62(&digest)
        ))
    }
}

/// A movement that our books know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// What it is of: `charge`, `refund` or `dispute`.
    pub object: String,
    /// The processor's own reference of the refund or dispute.
    pub reference: Option<String>,
    /// The cause under which it was posted.
    pub cause: String,
    /// What the processor owes for it.
    pub amount: SignedAmount,
    /// In which currency.
    pub currency: Currency,
    /// The day on which the books expect it to be settled.
    pub day: Day,
    /// When it was posted.
    pub created: Timestamp,
    /// Whether the processor has yet to settle it.
    pub is_open: bool,
}
