//! What a request asks to change about an intent: the parameters that creating, updating and
//! confirming share.

use domain::id::CustomerId;
use domain::metadata::MetadataUpdate;
use domain::payment_intent::{
    AutomaticPaymentMethods, CaptureMethod, CardFutureUsage, CardNetwork, CardOptions, OrderUpdate,
    PaymentIntent, RequestThreeDSecure, Requested, SetupFutureUsage, Shipping,
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
    /// The options for cards; all of them can be cleared at once.
    pub card_options: Patch<CardChanges>,
    pub description: Patch<String>,
    pub excluded_payment_method_types: Patch<Vec<String>>,
    pub metadata: Option<MetadataUpdate>,
    /// What is paid for.
    pub order: OrderUpdate,
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
    /// The security code that its card brings along: it is used within this request, and kept nowhere.
    pub fn cvc(&self) -> Option<&str> {
        self.payment_method.as_ref().and_then(Choice::cvc)
    }

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
        match self.card_options {
            Patch::Keep => {}
            Patch::Clear => details.card_options = CardOptions::default(),
            Patch::Set(changes) => changes.apply(&mut details.card_options),
        }
        self.order.apply(details);
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

/// What a request asks to change about the options of a card payment; the others stay.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each is Stripe's parameter of the same name")]
pub struct CardChanges {
    pub capture_method: Patch<CaptureMethod>,
    pub installments_enabled: Option<bool>,
    pub network: Option<CardNetwork>,
    pub request_extended_authorization: Option<Requested>,
    pub request_incremental_authorization: Option<Requested>,
    pub request_multicapture: Option<Requested>,
    pub request_overcapture: Option<Requested>,
    pub request_three_d_secure: Option<RequestThreeDSecure>,
    pub require_cvc_recollection: Option<bool>,
    pub setup_future_usage: Patch<CardFutureUsage>,
    pub statement_descriptor_suffix_kana: Patch<String>,
    pub statement_descriptor_suffix_kanji: Patch<String>,
}

impl CardChanges {
    fn apply(self, options: &mut CardOptions) {
        fn set<T>(field: &mut Option<T>, new: Option<T>) {
            if new.is_some() {
                *field = new;
            }
        }
        self.capture_method.apply_to(&mut options.capture_method);
        set(&mut options.installments_enabled, self.installments_enabled);
        set(&mut options.network, self.network);
        set(&mut options.request_extended_authorization, self.request_extended_authorization);
        set(&mut options.request_incremental_authorization, self.request_incremental_authorization);
        set(&mut options.request_multicapture, self.request_multicapture);
        set(&mut options.request_overcapture, self.request_overcapture);
        set(&mut options.request_three_d_secure, self.request_three_d_secure);
        set(&mut options.require_cvc_recollection, self.require_cvc_recollection);
        self.setup_future_usage.apply_to(&mut options.setup_future_usage);
        self.statement_descriptor_suffix_kana
            .apply_to(&mut options.statement_descriptor_suffix_kana);
        self.statement_descriptor_suffix_kanji
            .apply_to(&mut options.statement_descriptor_suffix_kanji);
    }
}
