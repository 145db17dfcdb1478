//! The `payment_intent` object.

use serde::Serialize;
use serde_json::{Value, json};

use super::Constant;
use crate::metadata::Metadata;
use crate::money::Currency;
use crate::payment_intent::{
    AmountDetails, AutomaticPaymentMethods, CancellationReason, CaptureMethod, ConfirmationMethod,
    PaymentDetails, PaymentIntent, SetupFutureUsage, Shipping, State, Status,
};
use crate::timestamp::Timestamp;

/// The `payment_intent` object (<https://docs.stripe.com/api/payment_intents/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "payment_intent"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub allowed_payment_method_types: Option<&'a [String]>,
    pub amount: i64,
    pub amount_capturable: i64,
    pub amount_details: Value,
    pub amount_received: i64,
    pub application: Option<&'a str>,
    pub application_fee_amount: Option<i64>,
    pub automatic_payment_methods: Option<AutomaticPaymentMethods>,
    pub canceled_at: Option<Timestamp>,
    pub cancellation_reason: Option<CancellationReason>,
    pub capture_method: CaptureMethod,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<&'a str>,
    pub confirmation_method: ConfirmationMethod,
    pub created: Timestamp,
    pub currency: Currency,
    pub customer: Option<&'a str>,
    pub customer_account: Option<&'a str>,
    pub description: Option<&'a str>,
    pub excluded_payment_method_types: Option<&'a [String]>,
    pub last_payment_error: Option<&'a Value>,
    pub latest_charge: Option<&'a str>,
    pub livemode: bool,
    pub managed_payments: Option<Value>,
    pub metadata: &'a Metadata,
    pub next_action: Option<&'a Value>,
    pub on_behalf_of: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_details: Option<&'a PaymentDetails>,
    pub payment_method: Option<&'a str>,
    pub payment_method_configuration_details: Option<Value>,
    pub payment_method_options: Value,
    pub payment_method_types: &'a [String],
    pub payment_record: Option<&'a str>,
    pub processing: Option<Value>,
    pub receipt_email: Option<&'a str>,
    pub review: Option<&'a str>,
    pub setup_future_usage: Option<SetupFutureUsage>,
    pub shipping: Option<&'a Shipping>,
    pub source: Option<&'a str>,
    pub statement_descriptor: Option<&'a str>,
    pub statement_descriptor_suffix: Option<&'a str>,
    pub status: Status,
    pub transfer_data: Option<Value>,
    pub transfer_group: Option<&'a str>,
}

impl<'a> From<&'a PaymentIntent> for Resource<'a> {
    fn from(intent: &'a PaymentIntent) -> Self {
        let details = &intent.details;
        let (canceled_at, cancellation_reason) = match intent.state {
            State::Canceled { at, reason } => (Some(at), reason),
            _ => (None, None),
        };
        Self {
            id: intent.id.as_str(),
            object: "payment_intent",
            allowed_payment_method_types: details
                .automatic_payment_methods
                .is_none()
                .then_some(details.payment_method_types.as_slice()),
            amount: intent.amount.amount.minor_units(),
            amount_capturable: intent.capturable().minor_units(),
            amount_details: amount_details(details.amount_details.as_ref()),
            amount_received: intent.received.minor_units(),
            application: None,
            application_fee_amount: details.application_fee_amount,
            automatic_payment_methods: details.automatic_payment_methods,
            canceled_at,
            cancellation_reason,
            capture_method: details.capture_method,
            client_secret: Some(&details.client_secret),
            confirmation_method: details.confirmation_method,
            created: intent.created,
            currency: intent.amount.currency,
            customer: intent.customer.as_ref().map(|id| id.as_str()),
            customer_account: None,
            description: details.description.as_deref(),
            excluded_payment_method_types: details.excluded_payment_method_types.as_deref(),
            last_payment_error: details.last_payment_error.as_ref(),
            latest_charge: intent.latest_charge.as_ref().map(|id| id.as_str()),
            livemode: intent.livemode,
            managed_payments: None,
            metadata: &details.metadata,
            next_action: details.next_action.as_ref(),
            on_behalf_of: details.on_behalf_of.as_deref(),
            payment_details: details.payment_details.as_ref(),
            payment_method: intent.payment_method.as_ref().map(|id| id.as_str()),
            payment_method_configuration_details: None,
            payment_method_options: json!({"card": card_options(intent)}),
            payment_method_types: &details.payment_method_types,
            payment_record: None,
            processing: None,
            receipt_email: details.receipt_email.as_deref(),
            review: None,
            setup_future_usage: details.setup_future_usage,
            shipping: details.shipping.as_ref(),
            source: None,
            statement_descriptor: details.statement_descriptor.as_deref(),
            statement_descriptor_suffix: details.statement_descriptor_suffix.as_deref(),
            status: intent.status(),
            transfer_data: None,
            transfer_group: details.transfer_group.as_deref(),
        }
    }
}

/// The parts of the amount that the merchant told; there is no tip where the card is not present.
fn amount_details(told: Option<&AmountDetails>) -> Value {
    let mut shown = json!({"tip": {}});
    let (Some(fields), Some(told)) = (shown.as_object_mut(), told) else { return shown };
    let parts = [
        ("discount_amount", json!(told.discount_amount)),
        ("shipping", json!(told.shipping)),
        ("tax", json!(told.tax)),
    ];
    for (name, part) in parts.into_iter().filter(|(_, part)| !part.is_null()) {
        fields.insert(name.to_owned(), part);
    }
    shown
}

/// Options that were not chosen are left out, but for the four that Stripe always shows.
fn card_options(intent: &PaymentIntent) -> Value {
    let options = &intent.details.card_options;
    let mut shown = json!({
        "installments": options.installments_enabled.map(installments),
        "mandate_options": null,
        "network": options.network,
        "request_three_d_secure": options.request_three_d_secure.unwrap_or_default(),
    });
    let mut show = |name: &str, value: Value| {
        if let Some(object) = shown.as_object_mut().filter(|_| !value.is_null()) {
            object.insert(name.to_owned(), value);
        }
    };
    show("capture_method", json!(options.capture_method));
    show("request_extended_authorization", json!(options.request_extended_authorization));
    show("request_incremental_authorization", json!(options.request_incremental_authorization));
    show("request_multicapture", json!(options.request_multicapture));
    show("request_overcapture", json!(options.request_overcapture));
    show("require_cvc_recollection", json!(options.require_cvc_recollection));
    show("setup_future_usage", json!(options.setup_future_usage));
    show("statement_descriptor_suffix_kana", json!(options.statement_descriptor_suffix_kana));
    show("statement_descriptor_suffix_kanji", json!(options.statement_descriptor_suffix_kanji));
    shown
}

/// No issuer offers a plan here, whether or not one is asked for.
fn installments(enabled: bool) -> Value {
    json!({"available_plans": [], "enabled": enabled, "plan": null})
}
