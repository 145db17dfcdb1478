//! The `payout` object.

use serde::Serialize;

use super::Constant;
use crate::metadata::Metadata;
use crate::money::{Currency, SignedAmount};
use crate::payout::{Method, Payout, SourceType, Status};
use crate::timestamp::Timestamp;

/// The `payout` object (<https://docs.stripe.com/api/payouts/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "payout"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub amount: SignedAmount,
    pub application_fee: Option<&'a str>,
    pub application_fee_amount: Option<i64>,
    pub arrival_date: Timestamp,
    pub automatic: bool,
    pub balance_transaction: Option<&'a str>,
    pub created: Timestamp,
    pub currency: Currency,
    pub description: Option<&'a str>,
    pub destination: Option<&'a str>,
    pub failure_balance_transaction: Option<&'a str>,
    pub failure_code: Option<Constant>,
    pub failure_message: Option<Constant>,
    pub livemode: bool,
    pub metadata: &'a Metadata,
    pub method: Method,
    pub original_payout: Option<&'a str>,
    pub payout_method: Option<&'a str>,
    pub reconciliation_status: Constant,
    pub reversed_by: Option<&'a str>,
    pub source_type: SourceType,
    pub statement_descriptor: Option<&'a str>,
    pub status: Status,
    pub trace_id: TraceId,
    pub r#type: Constant,
}

/// What the bank calls it; the simulator's bank has no names for payouts.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "payout_trace_id"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct TraceId {
    pub status: Constant,
    pub value: Option<Constant>,
}

impl<'a> From<&'a Payout> for Resource<'a> {
    fn from(payout: &'a Payout) -> Self {
        let details = &payout.details;
        let is_open = matches!(payout.status, Status::Pending | Status::InTransit);
        Self {
            id: payout.id.as_str(),
            object: "payout",
            amount: payout.amount,
            application_fee: None,
            application_fee_amount: None,
            arrival_date: payout.arrival_date,
            automatic: payout.automatic,
            balance_transaction: details.balance_transaction.as_ref().map(|id| id.as_str()),
            created: payout.created,
            currency: payout.currency,
            description: details.description.as_deref(),
            destination: Some(payout.destination.as_str()),
            failure_balance_transaction: details
                .failure_balance_transaction
                .as_ref()
                .map(|id| id.as_str()),
            failure_code: details.failure_code.map(|code| code.name()),
            failure_message: details.failure_code.map(|code| code.message()),
            livemode: payout.livemode,
            metadata: &details.metadata,
            method: details.method,
            original_payout: details.original_payout.as_ref().map(|id| id.as_str()),
            payout_method: None,
            reconciliation_status: if payout.automatic { "completed" } else { "not_applicable" },
            reversed_by: details.reversed_by.as_ref().map(|id| id.as_str()),
            source_type: details.source_type,
            statement_descriptor: details.statement_descriptor.as_deref(),
            status: payout.status,
            trace_id: TraceId {
                status: if is_open { "pending" } else { "unsupported" },
                value: None,
            },
            r#type: "bank_account",
        }
    }
}
