//! Customers: whom a merchant charges, and the cards that they keep.

use serde::{Deserialize, Serialize};

use crate::id::{CustomerId, PaymentMethodId};
use crate::metadata::Metadata;
use crate::payment_intent::Shipping;
use crate::payment_method::Address;
use crate::timestamp::Timestamp;

/// Someone who pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// Its identifier.
    pub id: CustomerId,
    /// Whether they pay real money.
    pub livemode: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Counts its changes; a change names the version that it saw.
    pub version: i64,
    /// Deleted customers stay retrievable, and nothing else.
    pub deleted: bool,
    /// Where they read mail.
    pub email: Option<String>,
    /// The rest.
    pub details: Details,
}

/// What is only echoed of a customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Details {
    pub address: Option<Address>,
    pub balance: i64,
    pub business_name: Option<String>,
    pub description: Option<String>,
    pub individual_name: Option<String>,
    pub invoice_prefix: String,
    pub name: Option<String>,
    pub next_invoice_sequence: i64,
    pub phone: Option<String>,
    pub preferred_locales: Vec<String>,
    pub shipping: Option<Shipping>,
    pub tax_exempt: TaxExempt,
    /// Where they last were, for their tax; shown only when asked.
    pub tax_ip_address: Option<String>,
    pub metadata: Metadata,
    /// A card made from a token by the legacy `source` parameter.
    pub default_source: Option<PaymentMethodId>,
    /// The card that invoices use.
    pub default_payment_method: Option<PaymentMethodId>,
    /// What stands at the foot of their invoices.
    pub invoice_footer: Option<String>,
    /// What else stands on their invoices.
    pub invoice_custom_fields: Option<Vec<CustomField>>,
    /// How their invoices look.
    pub invoice_rendering_options: Option<RenderingOptions>,
}

/// A line that stands on each invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CustomField {
    /// What it is called.
    pub name: String,
    /// What it says.
    pub value: String,
}

/// How invoices look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RenderingOptions {
    /// How taxes are shown beside the amounts.
    pub amount_tax_display: Option<AmountTaxDisplay>,
    /// The template that they follow.
    pub template: Option<String>,
}

/// How taxes are shown beside the amounts of an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AmountTaxDisplay {
    /// The amounts are without tax.
    ExcludeTax,
    /// The amounts hold the taxes that are included in a price.
    IncludeInclusiveTax,
}

/// Whether tax is charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaxExempt {
    /// The customer pays no tax.
    Exempt,
    /// The customer pays tax.
    #[default]
    None,
    /// The customer accounts for the tax.
    Reverse,
}

/// Whether a text can be an address for mail: something, one `@`, a domain; no spaces.
pub fn is_email(text: &str) -> bool {
    let mut parts = text.split('@');
    let (Some(local), Some(domain), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let plain =
        |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control());
    text.chars().count() <= 512
        && plain(local)
        && plain(domain)
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
}

/// Whether a text can begin the numbers of a customer's invoices: 3 to 12 capital letters and digits
/// (<https://docs.stripe.com/api/customers/create#create_customer-invoice_prefix>).
pub fn is_invoice_prefix(text: &str) -> bool {
    (3..=12).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invoice_prefixes_are_short_and_plain() {
        for (text, expected) in [
            ("ABC", true),
            ("0A1B2C3D", true),
            ("ABCDEFGHIJKL", true),
            ("AB", false),
            ("ABCDEFGHIJKLM", false),
            ("abc", false),
            ("AB-C", false),
            ("ÄBC", false),
        ] {
            assert_eq!(is_invoice_prefix(text), expected, "{text}");
        }
    }

    #[test]
    fn addresses_for_mail_have_a_name_and_a_domain() {
        for (text, expected) in [
            ("jenny@example.com", true),
            ("jenny+shop@mail.example.com", true),
            ("jenny", false),
            ("jenny@example", false),
            ("@example.com", false),
            ("jenny@@example.com", false),
            ("jenny rosen@example.com", false),
            ("jenny@example..com", false),
        ] {
            assert_eq!(is_email(text), expected, "{text}");
        }
    }
}
