//! What a request asks to change about a customer: the parameters that creating and updating share.

use domain::customer::{CustomField, Customer, RenderingOptions, TaxExempt};
use domain::metadata::MetadataUpdate;
use domain::payment_intent::Shipping;
use domain::payment_method::Address;
use domain::{ApiError, Patch};

/// What a request asks to change about a customer; addresses are replaced as a whole.
#[derive(Clone, Default)]
#[expect(missing_docs, reason = "each is Stripe's parameter of the same name")]
pub struct Changes {
    pub address: Patch<Address>,
    pub balance: Option<i64>,
    pub business_name: Patch<String>,
    pub description: Patch<String>,
    pub email: Patch<String>,
    pub individual_name: Patch<String>,
    pub invoice_prefix: Option<String>,
    pub invoice_custom_fields: Patch<Vec<CustomField>>,
    /// The default of its invoices, which has to be found first.
    pub default_payment_method: Patch<String>,
    pub invoice_footer: Patch<String>,
    pub invoice_rendering_options: Patch<RenderingOptions>,
    pub metadata: Option<MetadataUpdate>,
    pub name: Patch<String>,
    pub next_invoice_sequence: Option<i64>,
    pub phone: Patch<String>,
    pub preferred_locales: Patch<Vec<String>>,
    pub shipping: Patch<Shipping>,
    pub tax_exempt: Patch<TaxExempt>,
    pub tax_ip_address: Patch<String>,
}

impl Changes {
    /// Applies everything but the default payment method.
    ///
    /// # Errors
    /// When the metadata breaks its bounds.
    pub fn apply(self, customer: &mut Customer) -> Result<(), ApiError> {
        let details = &mut customer.details;
        if let Some(update) = &self.metadata {
            details.metadata = details.metadata.updated(update)?;
        }
        if let Some(balance) = self.balance {
            details.balance = balance;
        }
        if let Some(prefix) = self.invoice_prefix {
            details.invoice_prefix = prefix;
        }
        if let Some(sequence) = self.next_invoice_sequence {
            details.next_invoice_sequence = sequence;
        }
        if !self.preferred_locales.is_keep() {
            details.preferred_locales = self.preferred_locales.into_option().unwrap_or_default();
        }
        if !self.tax_exempt.is_keep() {
            details.tax_exempt = self.tax_exempt.into_option().unwrap_or_default();
        }
        self.address.apply_to(&mut details.address);
        self.business_name.apply_to(&mut details.business_name);
        self.description.apply_to(&mut details.description);
        self.email.apply_to(&mut customer.email);
        self.individual_name.apply_to(&mut details.individual_name);
        self.invoice_custom_fields.apply_to(&mut details.invoice_custom_fields);
        self.invoice_footer.apply_to(&mut details.invoice_footer);
        self.invoice_rendering_options.apply_to(&mut details.invoice_rendering_options);
        self.name.apply_to(&mut details.name);
        self.phone.apply_to(&mut details.phone);
        self.shipping.apply_to(&mut details.shipping);
        self.tax_ip_address.apply_to(&mut details.tax_ip_address);
        Ok(())
    }
}
