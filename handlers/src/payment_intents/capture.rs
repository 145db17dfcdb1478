//! `POST /v1/payment_intents/{intent}/capture`

use domain::metadata::MetadataUpdate;
use domain::payment_intent::{AmountDetailsUpdate, PaymentDetailsUpdate};
use domain::resource::Json;
use domain::{ApiError, Patch};
use flows::charges::CaptureChanges;
use flows::{Failure, Platform, payment_intents};
use serde::Deserialize;
use serde_json::Value;

use super::parameters::{order, refuse_descriptor};
use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Takes held money.
pub struct Capture;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The parts of the amount.
    #[serde(default)]
    amount_details: Patch<AmountDetailsUpdate>,
    /// Minor units; all that is held unless said.
    #[serde(default, deserialize_with = "domain::patch::named")]
    amount_to_capture: Option<i64>,
    /// The platform's part, in minor units.
    application_fee_amount: Option<i64>,
    /// Whether this is the last part.
    final_capture: Option<bool>,
    /// Accepted and not needed: there is no tax calculation to name.
    #[expect(dead_code, reason = "accepted and not needed")]
    hooks: Option<Value>,
    /// Changes to the merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
    /// What the payment is called elsewhere.
    #[serde(default)]
    payment_details: Patch<PaymentDetailsUpdate>,
    /// What the cardholder reads; refused for cards.
    statement_descriptor: Option<String>,
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
        refuse_descriptor(parameters.statement_descriptor.as_ref())?;
        Ok(payment_intents::Capture {
            amount: parameters.amount_to_capture,
            is_final: parameters.final_capture,
            metadata: parameters.metadata,
            order: order(&parameters.amount_details, &parameters.payment_details)?,
            charge: CaptureChanges {
                application_fee_amount: parameters.application_fee_amount,
                statement_descriptor_suffix: parameters.statement_descriptor_suffix.clone(),
                ..CaptureChanges::default()
            },
            statement_descriptor_suffix: parameters.statement_descriptor_suffix,
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        let intent = payment_intents::capture(&call.context, call.id(), &input).await?;
        Ok(show(&intent))
    }
}
