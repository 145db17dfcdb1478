//! `POST /v1/payment_intents/{intent}/capture`

use domain::ApiError;
use domain::metadata::MetadataUpdate;
use flows::charges::CaptureChanges;
use flows::{Failure, Platform, payment_intents};
use serde::Deserialize;
use serde_json::Value;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Takes held money.
pub struct Capture;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Minor units; all that is held unless said.
    #[serde(default, deserialize_with = "domain::patch::named")]
    amount_to_capture: Option<i64>,
    /// Whether this is the last part.
    final_capture: Option<bool>,
    /// Changes to the merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
    /// What the cardholder reads after the merchant's name.
    statement_descriptor_suffix: Option<String>,
}

impl Endpoint for Capture {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/payment_intents/{intent}/capture";
    const RESOURCE: &'static str = "payment_intent";
    type Parameters = Parameters;
    type Input = payment_intents::Capture;

    fn check(parameters: Parameters) -> Result<Self::Input, ApiError> {
        // Nothing may be taken where a last capture only lets go of the rest.
        if parameters.amount_to_capture.is_some_and(|amount| amount < 0) {
            return Err(ApiError::AmountNotPositive { param: "amount_to_capture".to_owned() });
        }
        Ok(payment_intents::Capture {
            amount: parameters.amount_to_capture,
            is_final: parameters.final_capture,
            metadata: parameters.metadata,
            charge: CaptureChanges {
                statement_descriptor_suffix: parameters.statement_descriptor_suffix.clone(),
                ..CaptureChanges::default()
            },
            statement_descriptor_suffix: parameters.statement_descriptor_suffix,
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Value, Failure> {
        let intent = payment_intents::capture(&call.context, call.id(), &input).await?;
        Ok(show(&intent))
    }
}
