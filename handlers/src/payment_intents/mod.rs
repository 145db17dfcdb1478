//! `/v1/payment_intents`.

pub mod cancel;
pub mod capture;
pub mod confirm;
pub mod create;
pub mod increment_authorization;
pub mod list;
pub mod parameters;
pub mod retrieve;
pub mod search;
pub mod update;

use domain::ApiError;
use domain::payment_intent::PaymentIntent;
use domain::resource::{self, value};
use serde_json::Value;

use crate::endpoint::Call;

/// The fields that a customer's browser sees of an intent
/// (<https://docs.stripe.com/api/payment_intents/object>, "retrievable with publishable key").
const PUBLIC_FIELDS: &[&str] = &[
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

/// The intent as the caller may see it.
pub fn show<P>(call: &Call<'_, P>, intent: &PaymentIntent) -> Value {
    let mut shown = value(&resource::payment_intent::Resource::from(intent));
    if call.is_publishable() {
        narrow(&mut shown);
    }
    shown
}

/// Leaves what a customer's browser may see.
fn narrow(shown: &mut Value) {
    if let Some(fields) = shown.as_object_mut() {
        fields.retain(|name, _| PUBLIC_FIELDS.contains(&name.as_str()));
    }
}

/// A browser proves that it is the customer's by the intent's client secret; a server may give it.
///
/// # Errors
/// When the secret is missing or another intent's. It must not be told whether the intent exists.
pub fn check_client_secret<P>(
    call: &Call<'_, P>,
    intent: &PaymentIntent,
    given: Option<&str>,
) -> Result<(), ApiError> {
    let matches = given.is_some_and(|given| {
        constant_time_equal(given.as_bytes(), intent.details.client_secret.as_bytes())
    });
    match given {
        None if call.is_publishable() => {
            Err(ApiError::MissingParameter { param: "client_secret".to_owned() })
        }
        Some(_) if !matches => Err(ApiError::ParameterInvalid {
            param: "client_secret".to_owned(),
            message: format!(
                "The client_secret provided does not match the client_secret associated with the \
                 PaymentIntent '{}'.",
                intent.id
            ),
        }),
        _ => Ok(()),
    }
}

/// Compares without telling by its duration where the texts part.
fn constant_time_equal(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).fold(0_u8, |difference, (a, b)| difference | (a ^ b)) == 0
}
