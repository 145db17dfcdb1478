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
use domain::resource::{self, Json, json};

use crate::client_secret;
use crate::endpoint::Call;

/// The intent as the API shows it.
pub fn show(intent: &PaymentIntent) -> Json {
    json(&resource::payment_intent::Resource::from(intent))
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
    let secret = &intent.details.client_secret;
    client_secret::check(call, given, secret, "PaymentIntent", intent.id.as_str())
}
