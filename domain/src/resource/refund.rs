//! The `refund` object.

use serde::Serialize;
use serde_json::{Value, json};

use super::Constant;
use crate::metadata::Metadata;
use crate::money::Currency;
use crate::refund::{Reason, Refund, Status};
use crate::timestamp::Timestamp;

/// The `refund` object (<https://docs.stripe.com/api/refunds/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "refund"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub amount: i64,
    pub balance_transaction: Option<&'a str>,
    pub charge: Option<&'a str>,
    pub created: Timestamp,
    pub currency: Currency,
    pub customer: Option<&'a str>,
    pub customer_account: Option<&'a str>,
    pub destination_details: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_balance_transaction: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions_email: Option<&'a str>,
    pub metadata: &'a Metadata,
    pub payment_intent: Option<&'a str>,
    pub payment_method: Option<&'a str>,
    pub reason: Option<Reason>,
    pub receipt_number: Option<&'a str>,
    pub source_transfer_reversal: Option<&'a str>,
    pub status: Status,
    pub transfer_reversal: Option<&'a str>,
}

impl<'a> From<&'a Refund> for Resource<'a> {
    fn from(refund: &'a Refund) -> Self {
        let reference = refund.details.processor_reference.as_deref();
        Self {
            id: refund.id.as_str(),
            object: "refund",
            amount: refund.amount.amount.minor_units(),
            balance_transaction: refund.details.balance_transaction.as_ref().map(|id| id.as_str()),
            charge: Some(refund.charge.as_str()),
            created: refund.created,
            currency: refund.amount.currency,
            customer: None,
            customer_account: None,
            destination_details: destination(reference),
            failure_balance_transaction: refund
                .details
                .failure_balance_transaction
                .as_ref()
                .map(|id| id.as_str()),
            failure_reason: refund.failure_reason(),
            instructions_email: refund.details.instructions_email.as_deref(),
            metadata: &refund.details.metadata,
            payment_intent: refund.payment_intent.as_ref().map(|id| id.as_str()),
            payment_method: None,
            reason: refund.details.reason,
            receipt_number: None,
            source_transfer_reversal: None,
            status: refund.status,
            transfer_reversal: None,
        }
    }
}

fn destination(reference: Option<&str>) -> Value {
    json!({
        "card": {
            "reference": reference,
            "reference_status": if reference.is_some() { "available" } else { "pending" },
            "reference_type": "acquirer_reference_number",
            "type": "refund",
        },
        "type": "card",
    })
}
