//! The `balance_transaction` object.

use serde::Serialize;
use serde_json::value::RawValue;

use super::Constant;
use crate::balance_transaction::{BalanceTransaction, FeeDetail, FeeKind, Kind};
use crate::money::{Currency, SignedAmount};
use crate::timestamp::Timestamp;

/// The `balance_transaction` object (<https://docs.stripe.com/api/balance_transactions/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "balance_transaction")
)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub amount: SignedAmount,
    pub available_on: Timestamp,
    pub balance_type: Constant,
    pub created: Timestamp,
    pub currency: Currency,
    pub description: Option<&'a str>,
    /// A plain decimal; a number in JSON, but never a float here.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<f64>"))]
    pub exchange_rate: Option<Box<RawValue>>,
    pub fee: SignedAmount,
    pub fee_details: Vec<FeeDetailResource>,
    pub net: SignedAmount,
    pub reporting_category: Constant,
    pub source: Option<&'a str>,
    pub status: Constant,
    #[serde(rename = "type")]
    pub kind: Constant,
}

/// A part of the fee (<https://docs.stripe.com/api/balance_transactions/object#balance_transaction_object-fee_details>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct FeeDetailResource {
    pub amount: SignedAmount,
    pub application: Option<Constant>,
    pub currency: Currency,
    pub description: Option<Constant>,
    #[serde(rename = "type")]
    pub kind: FeeKind,
}

impl<'a> Resource<'a> {
    /// The movement as it is seen at a moment: its money becomes available as time goes by.
    pub fn new(transaction: &'a BalanceTransaction, now: Timestamp) -> Self {
        let rate = transaction.details.exchange_rate.as_deref();
        let currency = transaction.currency;
        Self {
            id: transaction.id.as_str(),
            object: "balance_transaction",
            amount: transaction.amount,
            available_on: transaction.available_on,
            balance_type: "payments",
            created: transaction.created,
            currency,
            description: transaction.details.description.as_deref(),
            exchange_rate: rate.and_then(|rate| RawValue::from_string(rate.to_owned()).ok()),
            fee: transaction.fee,
            fee_details: transaction
                .details
                .fee_details
                .iter()
                .map(|detail| fee_detail(detail, transaction.kind, currency))
                .collect(),
            // A row whose sum left the range of amounts was never written.
            net: transaction.net().unwrap_or_default(),
            reporting_category: transaction.kind.reporting_category(),
            source: transaction.source.as_deref(),
            status: if transaction.available_on <= now { "available" } else { "pending" },
            kind: transaction.kind.type_name(),
        }
    }
}

fn fee_detail(detail: &FeeDetail, moved_by: Kind, currency: Currency) -> FeeDetailResource {
    FeeDetailResource {
        amount: detail.amount,
        application: None,
        currency,
        description: Some(match detail.kind {
            FeeKind::StripeFee if moved_by == Kind::Dispute => "Dispute fee",
            FeeKind::StripeFee => "Processing fees",
            FeeKind::ApplicationFee => "Application fee",
        }),
        kind: detail.kind,
    }
}
