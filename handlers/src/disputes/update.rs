//! `POST /v1/disputes/{dispute}`

use domain::ApiError;
use domain::dispute::EvidenceUpdate;
use domain::metadata::MetadataUpdate;
use domain::resource::Json;
use flows::disputes::Changes;
use flows::{Failure, Platform, disputes};
use serde::Deserialize;

use crate::endpoint::{Call, Endpoint, Method};

/// Answers a dispute, or stages an answer.
pub struct Update;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// What the merchant says to it.
    #[serde(default)]
    evidence: EvidenceUpdate,
    /// Changes to the merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
    /// Whether the evidence goes to the bank; it does unless said.
    submit: Option<bool>,
}

impl Endpoint for Update {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/disputes/{dispute}";
    const RESOURCE: &'static str = "dispute";
    type Parameters = Parameters;
    type Input = Changes;

    fn check(parameters: Parameters) -> Result<Changes, ApiError> {
        let Parameters { evidence, metadata, submit } = parameters;
        evidence.check()?;
        Ok(Changes { evidence, metadata, submit })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, changes: Changes) -> Result<Json, Failure> {
        disputes::update(&call.context, call.id(), &changes).await
    }
}
