//! The `account` object.

use serde::Serialize;
use serde_json::{Value, json};

use super::Constant;
use crate::account::Account;
use crate::metadata::Metadata;
use crate::money::Currency;
use crate::timestamp::Timestamp;

/// The `account` object (<https://docs.stripe.com/api/accounts/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "account"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub business_profile: Value,
    pub capabilities: Value,
    pub charges_enabled: bool,
    pub country: &'a str,
    pub created: Timestamp,
    pub default_currency: Currency,
    pub details_submitted: bool,
    pub email: Option<&'a str>,
    pub metadata: Metadata,
    pub payouts_enabled: bool,
    pub r#type: Constant,
}

impl<'a> From<&'a Account> for Resource<'a> {
    fn from(account: &'a Account) -> Self {
        Self {
            id: account.id.as_str(),
            object: "account",
            business_profile: json!({
                "annual_revenue": null,
                "estimated_worker_count": null,
                "mcc": null,
                "name": account.name,
                "product_description": null,
                "support_address": null,
                "support_email": null,
                "support_phone": null,
                "support_url": null,
                "url": null,
            }),
            capabilities: json!({"card_payments": "active", "transfers": "active"}),
            charges_enabled: true,
            country: &account.country,
            created: account.created,
            default_currency: account.default_currency,
            details_submitted: true,
            email: account.email.as_deref(),
            metadata: Metadata::default(),
            payouts_enabled: true,
            r#type: "standard",
        }
    }
}
