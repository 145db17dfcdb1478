//! What a customer's browser may see: it holds a publishable key, which everybody can read.

use domain::ApiError;
use serde_json::Value;

/// The fields of an intent (<https://docs.stripe.com/api/payment_intents/object>, "retrievable with
/// publishable key").
const INTENT_FIELDS: &[&str] = &[
    "allowed_payment_method_types",
    "amount",
    "amount_details",
    "automatic_payment_methods",
    "canceled_at",
    "cancellation_reason",
    "capture_method",
    "client_secret",
    "confirmation_method",
    "created",
    "currency",
    "description",
    "id",
    "last_payment_error",
    "livemode",
    "next_action",
    "object",
    "payment_method",
    "payment_method_configuration_details",
    "payment_method_types",
    "processing",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "status",
];

/// Leaves what a browser may see of an object and of all that is in it, expanded or not.
pub fn narrow(shown: &mut Value) {
    match shown {
        Value::Array(items) => items.iter_mut().for_each(narrow),
        Value::Object(fields) => {
            match fields.get("object").and_then(Value::as_str) {
                Some("payment_intent") => {
                    fields.retain(|name, _| INTENT_FIELDS.contains(&name.as_str()));
                }
                Some("payment_method") => narrow_payment_method(fields),
                _ => {}
            }
            fields.values_mut().for_each(narrow);
        }
        _ => {}
    }
}

/// The merchant's own pairs and its customer are none of a browser's business, and a fingerprint
/// would tell whether the merchant knows a card.
fn narrow_payment_method(fields: &mut serde_json::Map<String, Value>) {
    fields.remove("metadata");
    if let Some(customer) = fields.get_mut("customer") {
        *customer = Value::Null;
    }
    if let Some(card) = fields.get_mut("card").and_then(Value::as_object_mut) {
        card.remove("fingerprint");
    }
}

/// An error embeds objects, of which a browser may not see everything either.
pub fn narrow_error(error: &mut ApiError) {
    match error {
        ApiError::Card(card) => {
            card.payment_intent.iter_mut().for_each(narrow);
            card.payment_method.iter_mut().for_each(narrow);
        }
        ApiError::IntentUnexpectedState { intent, .. }
        | ApiError::IntentHasNoPaymentMethod { intent }
        | ApiError::ReturnUrlRequired { intent: Some(intent) } => narrow(intent),
        _ => {}
    }
}
