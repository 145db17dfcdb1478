//! `POST /v1/payment_intents/{intent}/increment_authorization`

use domain::metadata::MetadataUpdate;
use domain::payment_intent::{AmountDetailsUpdate, PaymentDetailsUpdate};
use domain::resource::Json;
use domain::{ApiError, Patch};
use flows::{Failure, Platform, payment_intents};
use serde::Deserialize;
use serde_json::Value;

use super::parameters::{check_description, order};
use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Holds more money.
pub struct IncrementAuthorization;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The new total, in minor units.
    amount: i64,
    /// The parts of the amount.
    #[serde(default)]
    amount_details: Patch<AmountDetailsUpdate>,
    /// For people.
    description: Option<String>,
    /// Accepted and not needed: there is no tax calculation to name.
    #[expect(dead_code, reason = "accepted and not needed")]
    hooks: Option<Value>,
    /// Changes to the merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
    /// What the payment is called elsewhere.
    #[serde(default)]
    payment_details: Patch<PaymentDetailsUpdate>,
    /// What the cardholder reads.
    statement_descriptor: Option<String>,
}

impl Endpoint for IncrementAuthorization {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/payment_intents/{intent}/increment_authorization";
    const RESOURCE: &'static str = "payment_intent";
    type Parameters = Parameters;
    type Input = payment_intents::Increment;

    fn check(parameters: Parameters) -> Result<Self::Input, ApiError> {
        if parameters.amount < 1 {
            return Err(ApiError::AmountNotPositive { param: "amount".to_owned() });
        }
        check_description(parameters.description.as_ref())?;
        Ok(payment_intents::Increment {
            amount: parameters.amount,
            description: parameters.description,
            metadata: parameters.metadata,
            order: order(&parameters.amount_details, &parameters.payment_details)?,
            statement_descriptor: parameters.statement_descriptor,
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        let intent = payment_intents::increment(&call.context, call.id(), &input).await?;
        Ok(show(&intent))
    }
}
