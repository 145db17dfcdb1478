//! The `account` object.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Constant, Json, List};
use crate::account::Account;
use crate::letter_case::capital;
use crate::metadata::Metadata;
use crate::money::Currency;
use crate::payment_method::Address;
use crate::payout_schedule::Interval;
use crate::timestamp::Timestamp;

/// The longest text on a cardholder's statement, in characters.
const MAX_DESCRIPTOR: usize = 22;

/// The `account` object (<https://docs.stripe.com/api/accounts/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "account"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub business_profile: Value,
    pub business_type: Option<&'a str>,
    pub capabilities: Value,
    pub charges_enabled: bool,
    pub company: Value,
    pub controller: Value,
    pub country: &'a str,
    pub created: Timestamp,
    pub default_currency: Currency,
    pub details_submitted: bool,
    pub email: Option<&'a str>,
    #[cfg_attr(feature = "openapi", schemars(with = "serde_json::Value"))]
    pub external_accounts: Json,
    pub future_requirements: Value,
    pub metadata: Metadata,
    pub payouts_enabled: bool,
    pub requirements: Value,
    pub settings: Value,
    pub tos_acceptance: Value,
    pub r#type: Constant,
}

impl<'a> Resource<'a> {
    /// An account, and a page of the bank accounts that it is paid out to.
    pub fn new(account: &'a Account, bank_accounts: Vec<Json>, has_more: bool) -> Self {
        Self {
            id: account.id.as_str(),
            object: "account",
            business_profile: business_profile(account),
            business_type: None,
            capabilities: json!({"card_payments": "active", "transfers": "active"}),
            charges_enabled: true,
            company: company(),
            controller: json!({"type": "account"}),
            country: &account.country,
            created: account.created,
            default_currency: account.default_currency,
            details_submitted: true,
            email: account.email.as_deref(),
            external_accounts: external_accounts(account, bank_accounts, has_more),
            future_requirements: requirements(),
            metadata: Metadata::default(),
            payouts_enabled: true,
            requirements: requirements(),
            settings: settings(account),
            tos_acceptance: json!({"date": null, "ip": null, "user_agent": null}),
            r#type: "standard",
        }
    }
}

fn business_profile(account: &Account) -> Value {
    json!({
        "annual_revenue": null,
        "estimated_worker_count": null,
        "mcc": null,
        "minority_owned_business_designation": null,
        "name": account.name,
        "product_description": null,
        "specified_commercial_transactions_act_url": null,
        "support_address": null,
        "support_email": null,
        "support_phone": null,
        "support_url": null,
        "url": null,
    })
}

/// Nobody is asked what the merchant's company is in law.
fn company() -> Value {
    json!({
        "address": Address::default(),
        "name": null,
        "phone": null,
        "tax_id_provided": false,
        "vat_id_provided": false,
    })
}

fn external_accounts(account: &Account, data: Vec<Json>, has_more: bool) -> Json {
    super::json(&List {
        object: "list",
        data,
        has_more,
        url: format!("/v1/accounts/{}/external_accounts", account.id),
    })
}

/// When it is paid out by itself; the days of a month or week only where they count.
fn payouts(account: &Account) -> Value {
    let schedule = &account.payout_schedule;
    let mut shown = json!({
        "delay_days": account.terms.available_after_days,
        "interval": schedule.interval,
    });
    if let Some(shown) = shown.as_object_mut() {
        match schedule.interval {
            Interval::Weekly => {
                shown.insert("weekly_anchor".to_owned(), json!(schedule.weekly_anchor));
            }
            Interval::Monthly => {
                shown.insert("monthly_anchor".to_owned(), json!(schedule.monthly_anchor));
            }
            Interval::Manual | Interval::Daily => {}
        }
    }
    json!({"debit_negative_balances": false, "schedule": shown, "statement_descriptor": null})
}

/// Nothing is asked of a merchant before they may take payments.
fn requirements() -> Value {
    json!({
        "alternatives": [],
        "current_deadline": null,
        "currently_due": [],
        "disabled_reason": null,
        "errors": [],
        "eventually_due": [],
        "past_due": [],
        "pending_verification": [],
    })
}

/// What cannot be set has the value that it acts by: the name stands on statements, and no payment is
/// declined beyond what its issuer declines.
fn settings(account: &Account) -> Value {
    let descriptor: String = account.name.chars().take(MAX_DESCRIPTOR).map(capital).collect();
    json!({
        "branding": {
            "icon": null,
            "logo": null,
            "primary_color": null,
            "secondary_color": null,
        },
        "card_payments": {
            "decline_on": {"avs_failure": false, "cvc_failure": false},
            "statement_descriptor_prefix": descriptor,
            "statement_descriptor_prefix_kana": null,
            "statement_descriptor_prefix_kanji": null,
        },
        "dashboard": {"display_name": account.name, "timezone": "Etc/UTC"},
        "payments": {
            "statement_descriptor": descriptor,
            "statement_descriptor_kana": null,
            "statement_descriptor_kanji": null,
            "statement_descriptor_prefix_kana": null,
            "statement_descriptor_prefix_kanji": null,
        },
        "payouts": payouts(account),
    })
}
