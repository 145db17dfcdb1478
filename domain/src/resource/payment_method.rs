//! The `payment_method` object.

use serde::Serialize;
use serde_json::{Value, json};

use super::Constant;
use crate::card::{Card, Checks, Funding};
use crate::metadata::Metadata;
use crate::payment_method::{Address, AllowRedisplay, BillingDetails, PaymentMethod};
use crate::timestamp::Timestamp;

/// The `payment_method` object (<https://docs.stripe.com/api/payment_methods/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "payment_method"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub allow_redisplay: AllowRedisplay,
    pub billing_details: Billing<'a>,
    pub card: CardResource<'a>,
    pub created: Timestamp,
    pub customer: Option<&'a str>,
    pub customer_account: Option<&'a str>,
    pub livemode: bool,
    pub metadata: &'a Metadata,
    pub r#type: Constant,
}

/// The card of a payment method.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "payment_method_card")
)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct CardResource<'a> {
    pub brand: Constant,
    pub checks: Checks,
    pub country: Option<&'a str>,
    pub display_brand: Constant,
    pub exp_month: u8,
    pub exp_year: u16,
    pub fingerprint: &'a str,
    pub funding: Funding,
    pub generated_from: Option<Value>,
    pub last4: &'a str,
    pub networks: Value,
    pub regulated_status: Constant,
    pub three_d_secure_usage: Value,
    pub wallet: Option<Value>,
}

impl<'a> From<&'a Card> for CardResource<'a> {
    fn from(card: &'a Card) -> Self {
        Self {
            brand: card.brand.name(),
            checks: card.checks,
            country: card.country.as_deref(),
            display_brand: display_brand(card),
            exp_month: card.exp_month,
            exp_year: card.exp_year,
            fingerprint: &card.fingerprint,
            funding: card.funding,
            generated_from: None,
            last4: &card.last4,
            networks: json!({"available": [card.brand.name()], "preferred": null}),
            regulated_status: "unregulated",
            three_d_secure_usage: json!({"supported": true}),
            wallet: None,
        }
    }
}

/// The brand's name where it is shown to people; two are written in full.
fn display_brand(card: &Card) -> Constant {
    match card.brand.name() {
        "amex" => "american_express",
        "diners" => "diners_club",
        "unionpay" => "union_pay",
        "unknown" => "other",
        name => name,
    }
}

/// Billing details with every part present.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "billing_details"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Billing<'a> {
    pub address: Address,
    pub email: Option<&'a str>,
    pub name: Option<&'a str>,
    pub phone: Option<&'a str>,
    pub tax_id: Option<&'a str>,
}

impl<'a> From<&'a BillingDetails> for Billing<'a> {
    fn from(details: &'a BillingDetails) -> Self {
        Self {
            address: details.address.clone().unwrap_or_default(),
            email: details.email.as_deref(),
            name: details.name.as_deref(),
            phone: details.phone.as_deref(),
            tax_id: details.tax_id.as_deref(),
        }
    }
}

impl<'a> From<&'a PaymentMethod> for Resource<'a> {
    fn from(method: &'a PaymentMethod) -> Self {
        Self {
            id: method.id.as_str(),
            object: "payment_method",
            allow_redisplay: method.details.allow_redisplay,
            billing_details: Billing::from(&method.details.billing_details),
            card: CardResource::from(&method.card),
            created: method.created,
            customer: method.customer.as_ref().map(|id| id.as_str()),
            customer_account: None,
            livemode: method.livemode,
            metadata: &method.details.metadata,
            r#type: "card",
        }
    }
}
