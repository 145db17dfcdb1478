//! The `topup` object.

use serde::Serialize;

use super::Constant;
use crate::metadata::Metadata;
use crate::money::Currency;
use crate::timestamp::Timestamp;
use crate::topup::{Status, Topup};

/// The `topup` object (<https://docs.stripe.com/api/topups/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "topup"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub amount: i64,
    pub balance_transaction: Option<&'a str>,
    pub created: Timestamp,
    pub currency: Currency,
    pub description: Option<&'a str>,
    pub expected_availability_date: Option<Timestamp>,
    pub failure_code: Option<Constant>,
    pub failure_message: Option<Constant>,
    pub initiated_by: Option<Constant>,
    pub livemode: bool,
    pub metadata: &'a Metadata,
    pub source: Option<Constant>,
    pub statement_descriptor: Option<&'a str>,
    pub status: Status,
    pub transfer_group: Option<&'a str>,
}

impl<'a> From<&'a Topup> for Resource<'a> {
    fn from(topup: &'a Topup) -> Self {
        let details = &topup.details;
        Self {
            id: topup.id.as_str(),
            object: "topup",
            amount: topup.amount.amount.minor_units(),
            balance_transaction: details.balance_transaction.as_ref().map(|id| id.as_str()),
            created: topup.created,
            currency: topup.amount.currency,
            description: details.description.as_deref(),
            expected_availability_date: details.expected_availability_date,
            failure_code: details.failure_code.map(|code| code.name()),
            failure_message: details.failure_code.map(|code| code.message()),
            initiated_by: Some("user"),
            livemode: topup.livemode,
            metadata: &details.metadata,
            // A bank account is no source of the legacy API.
            source: None,
            statement_descriptor: details.statement_descriptor.as_deref(),
            status: topup.status,
            transfer_group: details.transfer_group.as_deref(),
        }
    }
}
