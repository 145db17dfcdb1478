//! `POST /v1/payment_intents/{intent}`

use domain::metadata::MetadataUpdate;
use domain::money::{Currency, Money};
use domain::payment_intent::PaymentIntent;
use domain::resource::Json;
use domain::{ApiError, Patch};
use flows::payment_intents::{self, Changes};
use flows::{Failure, Platform};

use super::parameters::{self, currency};
use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Changes what an intent asks for.
pub struct Update;

parameters::intent_parameters! {
    /// The body.
    pub struct Parameters {
        /// Minor units.
        amount: Option<i64>,
        /// The platform's part, in minor units.
        #[serde(default)]
        application_fee_amount: Patch<i64>,
        /// Three letters.
        currency: Option<String>,
        /// Who pays.
        customer: Option<String>,
        /// For people.
        #[serde(default)]
        description: Patch<String>,
        /// Changes to the merchant's own pairs.
        #[serde(default, deserialize_with = "domain::patch::named")]
        metadata: Option<MetadataUpdate>,
        /// What the cardholder reads.
        #[serde(default)]
        statement_descriptor: Patch<String>,
        /// What the cardholder reads after the merchant's name.
        #[serde(default)]
        statement_descriptor_suffix: Patch<String>,
        /// Groups payments and transfers.
        #[serde(default)]
        transfer_group: Patch<String>,
    }
}

/// What is to change.
pub struct Input {
    amount: Option<i64>,
    currency: Option<Currency>,
    changes: Changes,
}

impl Endpoint for Update {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/payment_intents/{intent}";
    const RESOURCE: &'static str = "payment_intent";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        let mut changes = parameters.shared()?;
        let currency = parameters.currency.as_deref().map(currency).transpose()?;
        let amount = parameters.amount;
        parameters::describe!(changes, parameters);
        Ok(Input { amount, currency, changes })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        let new_amount = |intent: &PaymentIntent| {
            if input.amount.is_none() && input.currency.is_none() {
                return Ok(None);
            }
            let amount = input.amount.unwrap_or(intent.amount.amount.minor_units());
            Money::to_charge(amount, input.currency.unwrap_or(intent.amount.currency)).map(Some)
        };
        let intent =
            payment_intents::update(&call.context, call.id(), new_amount, &input.changes).await?;
        Ok(show(&intent))
    }
}
