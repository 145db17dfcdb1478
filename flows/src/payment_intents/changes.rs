//! What a request asks to change about an intent: the parameters that creating, updating and
//! confirming share.

use domain::id::CustomerId;
use domain::metadata::MetadataUpdate;
use domain::payment_intent::{
    AutomaticPaymentMethods, CaptureMethod, CardOptions, PaymentIntent, SetupFutureUsage, Shipping,
};
use domain::{ApiError, Patch};

use crate::descriptors;
use crate::payment_methods::Choice;

/// What a request asks to change about an intent.
#[derive(Clone, Default)]
#[expect(missing_docs, reason = "each is Stripe's parameter of the same name")]
pub struct Changes {
    pub customer: Option<CustomerId>,
    pub payment_method: Option<Choice>,
    /// Takes the payment method away again.
    pub clears_payment_method: bool,
    pub application_fee_amount: Patch<i64>,
    pub automatic_payment_methods: Option<AutomaticPaymentMethods>,
    pub capture_method: Option<CaptureMethod>,
    pub card_options: Option<CardOptions>,
    pub description: Patch<String>,
    pub excluded_payment_method_types: Patch<Vec<String>>,
    pub metadata: Option<MetadataUpdate>,
    pub payment_method_types: Option<Vec<String>>,
    pub receipt_email: Patch<String>,
    pub return_url: Option<String>,
    pub setup_future_usage: Patch<SetupFutureUsage>,
    pub shipping: Patch<Shipping>,
    pub statement_descriptor: Patch<String>,
    pub statement_descriptor_suffix: Patch<String>,
    pub transfer_group: Patch<String>,
}

impl Changes {
    /// Applies everything but the payment method, which may have to be made first.
    ///
    /// # Errors
    /// When the metadata or another text breaks its bounds.
    pub fn apply(self, intent: &mut PaymentIntent) -> Result<(), ApiError> {
        if let Some(customer) = self.customer {
            intent.customer = Some(customer);
        }
        let details = &mut intent.details;
        if let Some(update) = &self.metadata {
            details.metadata = details.metadata.updated(update)?;
        }
        if let Some(types) = self.payment_method_types {
            details.payment_method_types = types;
            details.automatic_payment_methods = None;
        }
        if let Some(automatic) = self.automatic_payment_methods {
            details.automatic_payment_methods = Some(automatic).filter(|methods| methods.enabled);
        }
        if let Some(method) = self.capture_method {
            details.capture_method = method;
        }
        if let Some(options) = self.card_options {
            merge_options(&mut details.card_options, options);
        }
        if let Some(return_url) = self.return_url {
            details.return_url = Some(return_url);
        }
        self.application_fee_amount.apply_to(&mut details.application_fee_amount);
        self.description.apply_to(&mut details.description);
        self.excluded_payment_method_types.apply_to(&mut details.excluded_payment_method_types);
        self.receipt_email.apply_to(&mut details.receipt_email);
        self.setup_future_usage.apply_to(&mut details.setup_future_usage);
        self.shipping.apply_to(&mut details.shipping);
        self.statement_descriptor.apply_to(&mut details.statement_descriptor);
        self.statement_descriptor_suffix.apply_to(&mut details.statement_descriptor_suffix);
        self.transfer_group.apply_to(&mut details.transfer_group);
        descriptors::check("statement_descriptor", details.statement_descriptor.as_deref())?;
        descriptors::check(
            "statement_descriptor_suffix",
            details.statement_descriptor_suffix.as_deref(),
        )
    }
}

/// Options that a request names replace those that were there; the others stay.
fn merge_options(options: &mut CardOptions, new: CardOptions) {
    let old = std::mem::take(options);
    *options = CardOptions {
        capture_method: new.capture_method.or(old.capture_method),
        request_incremental_authorization: new
            .request_incremental_authorization
            .or(old.request_incremental_authorization),
        request_multicapture: new.request_multicapture.or(old.request_multicapture),
        request_three_d_secure: new.request_three_d_secure.or(old.request_three_d_secure),
        setup_future_usage: new.setup_future_usage.or(old.setup_future_usage),
        statement_descriptor_suffix_kana: new
            .statement_descriptor_suffix_kana
            .or(old.statement_descriptor_suffix_kana),
        statement_descriptor_suffix_kanji: new
            .statement_descriptor_suffix_kanji
            .or(old.statement_descriptor_suffix_kanji),
    };
}
