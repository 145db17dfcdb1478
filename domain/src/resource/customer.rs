//! The `customer` object, and what is left of a deleted one.

use serde::Serialize;
use serde_json::{Value, json};

use super::Constant;
use crate::customer::{Customer, TaxExempt};
use crate::metadata::Metadata;
use crate::payment_intent::Shipping;
use crate::payment_method::Address;
use crate::timestamp::Timestamp;

/// The `customer` object (<https://docs.stripe.com/api/customers/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "customer"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub address: Option<&'a Address>,
    pub balance: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_name: Option<&'a str>,
    pub created: Timestamp,
    pub currency: Option<&'a str>,
    pub customer_account: Option<&'a str>,
    pub default_source: Option<&'a str>,
    pub delinquent: bool,
    pub description: Option<&'a str>,
    pub discount: Option<Value>,
    pub email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub individual_name: Option<&'a str>,
    pub invoice_prefix: &'a str,
    pub invoice_settings: Value,
    pub livemode: bool,
    pub metadata: &'a Metadata,
    pub name: Option<&'a str>,
    pub next_invoice_sequence: i64,
    pub phone: Option<&'a str>,
    pub preferred_locales: &'a [String],
    pub shipping: Option<&'a Shipping>,
    pub tax_exempt: TaxExempt,
    pub test_clock: Option<&'a str>,
}

impl<'a> From<&'a Customer> for Resource<'a> {
    fn from(customer: &'a Customer) -> Self {
        let details = &customer.details;
        Self {
            id: customer.id.as_str(),
            object: "customer",
            address: details.address.as_ref(),
            balance: details.balance,
            business_name: details.business_name.as_deref(),
            created: customer.created,
            currency: None,
            customer_account: None,
            default_source: details.default_source.as_ref().map(|id| id.as_str()),
            delinquent: false,
            description: details.description.as_deref(),
            discount: None,
            email: customer.email.as_deref(),
            individual_name: details.individual_name.as_deref(),
            invoice_prefix: &details.invoice_prefix,
            invoice_settings: json!({
                "custom_fields": details.invoice_custom_fields,
                "default_payment_method": details.default_payment_method,
                "footer": details.invoice_footer,
                "rendering_options": details.invoice_rendering_options,
            }),
            livemode: customer.livemode,
            metadata: &details.metadata,
            name: details.name.as_deref(),
            next_invoice_sequence: details.next_invoice_sequence,
            phone: details.phone.as_deref(),
            preferred_locales: &details.preferred_locales,
            shipping: details.shipping.as_ref(),
            tax_exempt: details.tax_exempt,
            test_clock: None,
        }
    }
}

/// What is left of a deleted customer.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "deleted_customer")
)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Deleted<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub deleted: bool,
}

impl<'a> From<&'a Customer> for Deleted<'a> {
    fn from(customer: &'a Customer) -> Self {
        Self { id: customer.id.as_str(), object: "customer", deleted: true }
    }
}
