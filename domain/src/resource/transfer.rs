//! The `transfer` object, and the `transfer_reversal` objects in it.

use serde::Serialize;

use super::{Constant, Json, List, json};
use crate::metadata::Metadata;
use crate::money::Currency;
use crate::payout::SourceType;
use crate::timestamp::Timestamp;
use crate::transfer::{Transfer, TransferReversal};

/// The `transfer` object (<https://docs.stripe.com/api/transfers/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "transfer"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub amount: i64,
    pub amount_reversed: i64,
    pub balance_transaction: Option<&'a str>,
    pub created: Timestamp,
    pub currency: Currency,
    pub description: Option<&'a str>,
    pub destination: Option<&'a str>,
    pub livemode: bool,
    pub metadata: &'a Metadata,
    #[cfg_attr(feature = "openapi", schemars(with = "serde_json::Value"))]
    pub reversals: Json,
    pub reversed: bool,
    pub source_transaction: Option<Constant>,
    pub source_type: SourceType,
    pub transfer_group: Option<&'a str>,
}

impl<'a> From<&'a Transfer> for Resource<'a> {
    fn from(transfer: &'a Transfer) -> Self {
        let details = &transfer.details;
        Self {
            id: transfer.id.as_str(),
            object: "transfer",
            amount: transfer.amount.amount.minor_units(),
            amount_reversed: transfer.reversed.minor_units(),
            balance_transaction: details.balance_transaction.as_ref().map(|id| id.as_str()),
            created: transfer.created,
            currency: transfer.amount.currency,
            description: details.description.as_deref(),
            destination: Some(transfer.destination.as_str()),
            livemode: transfer.livemode,
            metadata: &details.metadata,
            reversals: reversals(transfer),
            reversed: transfer.reversed == transfer.amount.amount,
            source_transaction: None,
            source_type: details.source_type,
            transfer_group: details.transfer_group.as_deref(),
        }
    }
}

fn reversals(transfer: &Transfer) -> Json {
    let shown = &transfer.details.reversals;
    let sum: i64 = shown.iter().map(|reversal| reversal.amount.minor_units()).sum();
    json(&List {
        object: "list",
        data: shown.iter().map(|reversal| json(&ReversalResource::from(reversal))).collect(),
        has_more: sum < transfer.reversed.minor_units(),
        url: format!("/v1/transfers/{}/reversals", transfer.id),
    })
}

/// The `transfer_reversal` object (<https://docs.stripe.com/api/transfer_reversals/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "transfer_reversal")
)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct ReversalResource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub amount: i64,
    pub balance_transaction: Option<&'a str>,
    pub created: Timestamp,
    pub currency: Currency,
    pub destination_payment_refund: Option<Constant>,
    pub metadata: &'a Metadata,
    pub source_refund: Option<Constant>,
    pub transfer: &'a str,
}

impl<'a> From<&'a TransferReversal> for ReversalResource<'a> {
    fn from(reversal: &'a TransferReversal) -> Self {
        Self {
            id: reversal.id.as_str(),
            object: "transfer_reversal",
            amount: reversal.amount.minor_units(),
            balance_transaction: reversal.balance_transaction.as_ref().map(|id| id.as_str()),
            created: reversal.created,
            currency: reversal.currency,
            destination_payment_refund: None,
            metadata: &reversal.metadata,
            source_refund: None,
            transfer: reversal.transfer.as_str(),
        }
    }
}
