//! `GET /v1/payment_intents/search`

use domain::ApiError;
use domain::payment_intent::PaymentIntent;
use domain::resource::{self, Json, json};
use domain::search::Searched;
use flows::{Failure, Platform};

use crate::endpoint::{Call, Endpoint, Method};
use crate::search::{self, Input, Parameters};

/// Searches intents.
pub struct Search;

impl Endpoint for Search {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/payment_intents/search";
    const RESOURCE: &'static str = "payment_intent";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        parameters.check(Searched::PaymentIntents)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        search::show(call, &input, |payment_intent: &PaymentIntent| {
            json(&resource::payment_intent::Resource::from(payment_intent))
        })
        .await
    }
}
