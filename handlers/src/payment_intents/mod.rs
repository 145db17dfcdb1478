//! `/v1/payment_intents`.

pub mod cancel;
pub mod capture;
pub mod card_options;
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

/// The intent as the API shows it.
pub fn show(intent: &PaymentIntent) -> Value {
    value(&resource::payment_intent::Resource::from(intent))
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
