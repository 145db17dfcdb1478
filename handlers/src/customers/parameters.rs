//! The parameters that creating and updating a customer share.

use domain::customer::{CustomField, RenderingOptions};
use domain::money::MAX_AMOUNT;
use domain::payment_intent::Shipping;
use domain::payment_method::Address;
use domain::{ApiError, Patch};
use serde::Deserialize;

use crate::payment_intents::parameters::check_length;

/// The highest number that a customer's next invoice can have.
const MAX_INVOICE_SEQUENCE: i64 = 999_999_999;
/// The most lines of a customer's own on each invoice.
const MAX_CUSTOM_FIELDS: usize = 4;

/// Defines the parameters of an endpoint: its own, and those that it shares with the other.
macro_rules! customer_parameters {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(serde::Deserialize)]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* $field: $type,)*
            /// Where they live.
            #[serde(default)]
            address: domain::Patch<domain::payment_method::Address>,
            /// What they owe (positive) or are owed (negative) with their next invoice, in minor units.
            balance: Option<i64>,
            /// The name of their business.
            #[serde(default)]
            business_name: domain::Patch<String>,
            /// How their cash balance is used.
            cash_balance: Option<crate::customers::tax::CashBalanceParameters>,
            /// For people.
            #[serde(default)]
            description: domain::Patch<String>,
            /// Where they read mail.
            #[serde(default)]
            email: domain::Patch<String>,
            /// Their own name, beside that of their business.
            #[serde(default)]
            individual_name: domain::Patch<String>,
            /// What the numbers of their invoices begin with.
            invoice_prefix: Option<String>,
            /// What their invoices say, and how they are paid.
            invoice_settings: Option<crate::customers::parameters::InvoiceSettings>,
            /// The merchant's own pairs.
            #[serde(default, deserialize_with = "domain::patch::named")]
            metadata: Option<domain::metadata::MetadataUpdate>,
            /// Their full name.
            #[serde(default)]
            name: domain::Patch<String>,
            /// The number of their next invoice.
            next_invoice_sequence: Option<i64>,
            /// With its extension.
            #[serde(default)]
            phone: domain::Patch<String>,
            /// The languages that they prefer, the best first.
            #[serde(default)]
            preferred_locales: domain::Patch<Vec<String>>,
            /// Where their goods go.
            #[serde(default)]
            shipping: domain::Patch<crate::customers::parameters::ShippingParameters>,
            /// A token whose card becomes their default source.
            source: Option<String>,
            /// Where they are, for their tax.
            tax: Option<crate::customers::tax::TaxParameters>,
            /// Whether they pay tax.
            #[serde(default)]
            tax_exempt: domain::Patch<domain::customer::TaxExempt>,
        }

        impl $name {
            /// What the shared parameters ask to change.
            fn changes(self) -> Result<flows::customers::Changes, domain::ApiError> {
                use crate::customers::parameters as shared;
                if let Some(balance) = &self.cash_balance {
                    balance.check()?;
                }
                let invoice = self.invoice_settings.unwrap_or_default();
                let changes = flows::customers::Changes {
                    address: self.address,
                    balance: self.balance,
                    business_name: self.business_name,
                    description: self.description,
                    email: crate::payment_intents::parameters::check_email("email", &self.email)?,
                    individual_name: self.individual_name,
                    invoice_prefix: self.invoice_prefix,
                    invoice_custom_fields: invoice.custom_fields,
                    default_payment_method: invoice.default_payment_method,
                    invoice_footer: invoice.footer,
                    invoice_rendering_options: invoice.rendering_options,
                    metadata: self.metadata,
                    name: self.name,
                    next_invoice_sequence: self.next_invoice_sequence,
                    phone: self.phone,
                    preferred_locales: self.preferred_locales,
                    shipping: self.shipping.map(domain::payment_intent::Shipping::from),
                    tax_exempt: self.tax_exempt,
                    tax_ip_address: match self.tax {
                        Some(tax) => tax.ip_address()?,
                        None => domain::Patch::Keep,
                    },
                };
                shared::check(&changes)?;
                Ok(changes)
            }
        }
    };
}

pub(super) use customer_parameters;

/// What a customer's invoices say, and how they are paid.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct InvoiceSettings {
    /// Lines that stand on each.
    pub(super) custom_fields: Patch<Vec<CustomField>>,
    /// What they are paid with.
    pub(super) default_payment_method: Patch<String>,
    /// What stands at the foot.
    pub(super) footer: Patch<String>,
    /// How they look.
    pub(super) rendering_options: Patch<RenderingOptions>,
}

/// Where a customer's goods go; a carrier is known only once something is sent.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ShippingParameters {
    address: Address,
    name: String,
    phone: Option<String>,
}

impl From<ShippingParameters> for Shipping {
    fn from(parameters: ShippingParameters) -> Self {
        Self {
            address: Some(parameters.address),
            name: Some(parameters.name),
            phone: parameters.phone,
            ..Self::default()
        }
    }
}

/// Checks what the types alone do not say.
///
/// # Errors
/// When a text is too long, or a number out of its bounds.
pub(super) fn check(changes: &flows::customers::Changes) -> Result<(), ApiError> {
    let texts = [
        ("business_name", &changes.business_name, 150),
        ("email", &changes.email, 512),
        ("individual_name", &changes.individual_name, 150),
        ("name", &changes.name, 256),
        ("phone", &changes.phone, 20),
    ];
    for (param, text, limit) in texts {
        check_length(param, text.as_set(), limit)?;
    }
    check_numbers(changes)?;
    check_custom_fields(changes.invoice_custom_fields.as_set().map_or(&[], Vec::as_slice))
}

fn check_numbers(changes: &flows::customers::Changes) -> Result<(), ApiError> {
    let invalid = |param: &str, message: String| {
        Err(ApiError::ParameterInvalid { param: param.to_owned(), message })
    };
    if changes.balance.is_some_and(|balance| !(-MAX_AMOUNT..=MAX_AMOUNT).contains(&balance)) {
        let message = format!("A balance must lie between -{MAX_AMOUNT} and {MAX_AMOUNT}.");
        return invalid("balance", message);
    }
    match changes.next_invoice_sequence {
        Some(..=0) => {
            return Err(ApiError::AmountNotPositive { param: "next_invoice_sequence".to_owned() });
        }
        Some(number) if number > MAX_INVOICE_SEQUENCE => {
            let message =
                format!("This value must be less than or equal to {MAX_INVOICE_SEQUENCE}.");
            return invalid("next_invoice_sequence", message);
        }
        _ => {}
    }
    match &changes.invoice_prefix {
        Some(prefix) if !domain::customer::is_invoice_prefix(prefix) => invalid(
            "invoice_prefix",
            "The invoice prefix must be between 3 and 12 characters long and may only contain \
             uppercase letters and numbers."
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

fn check_custom_fields(fields: &[CustomField]) -> Result<(), ApiError> {
    const PARAM: &str = "invoice_settings[custom_fields]";
    if fields.len() > MAX_CUSTOM_FIELDS {
        return Err(ApiError::ParameterInvalid {
            param: PARAM.to_owned(),
            message: format!("You may only specify up to {MAX_CUSTOM_FIELDS} custom fields."),
        });
    }
    for (place, field) in fields.iter().enumerate() {
        check_length(&format!("{PARAM}[{place}][name]"), Some(&field.name), 40)?;
        check_length(&format!("{PARAM}[{place}][value]"), Some(&field.value), 140)?;
    }
    Ok(())
}
