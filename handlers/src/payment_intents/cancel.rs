//! `POST /v1/payment_intents/{intent}/cancel`

use domain::ApiError;
use domain::payment_intent::CancellationReason;
use domain::resource::Json;
use flows::{Failure, Platform, payment_intents};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Ends an intent and lets go of what it holds.
pub struct Cancel;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Why.
    cancellation_reason: Option<Reason>,
}

/// The reasons that a merchant may give.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum Reason {
    Duplicate,
    Fraudulent,
    RequestedByCustomer,
    Abandoned,
}

impl From<Reason> for CancellationReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Duplicate => Self::Duplicate,
            Reason::Fraudulent => Self::Fraudulent,
            Reason::RequestedByCustomer => Self::RequestedByCustomer,
            Reason::Abandoned => Self::Abandoned,
        }
    }
}

impl Endpoint for Cancel {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/payment_intents/{intent}/cancel";
    const RESOURCE: &'static str = "payment_intent";
    type Parameters = Parameters;
    type Input = Option<CancellationReason>;

    fn check(parameters: Parameters) -> Result<Self::Input, ApiError> {
        Ok(parameters.cancellation_reason.map(CancellationReason::from))
    }

    async fn run<P: Platform>(call: &Call<'_, P>, reason: Self::Input) -> Result<Json, Failure> {
        let intent = payment_intents::cancel(&call.context, call.id(), reason).await?;
        Ok(show(&intent))
    }
}
