//! `POST /v1/transfers/{transfer}`

use domain::metadata::MetadataUpdate;
use domain::resource::Json;
use domain::{ApiError, Patch};
use flows::transfers::Update as Changes;
use flows::{Failure, Platform, transfers};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Changes what a transfer says of itself.
pub struct Update;

/// The body, also for a reversal and a top-up.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// For people.
    #[serde(default)]
    description: Patch<String>,
    /// Changes to the merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
}

impl From<Parameters> for Changes {
    fn from(Parameters { description, metadata }: Parameters) -> Self {
        Self { description, metadata }
    }
}

impl Endpoint for Update {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/transfers/{transfer}";
    const RESOURCE: &'static str = "transfer";
    type Parameters = Parameters;
    type Input = Changes;

    fn check(parameters: Parameters) -> Result<Changes, ApiError> {
        Ok(parameters.into())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, changes: Changes) -> Result<Json, Failure> {
        Ok(show(&transfers::update(&call.context, call.id(), &changes).await?))
    }
}
