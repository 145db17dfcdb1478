//! `POST /v1/payouts/{payout}`

use domain::ApiError;
use domain::metadata::MetadataUpdate;
use domain::resource::Json;
use flows::{Failure, Platform, payouts};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Changes the merchant's own pairs on a payout.
pub struct Update;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Changes to the merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    pub metadata: Option<MetadataUpdate>,
}

impl Endpoint for Update {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/payouts/{payout}";
    const RESOURCE: &'static str = "payout";
    type Parameters = Parameters;
    type Input = Option<MetadataUpdate>;

    fn check(parameters: Parameters) -> Result<Self::Input, ApiError> {
        Ok(parameters.metadata)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, metadata: Self::Input) -> Result<Json, Failure> {
        Ok(show(&payouts::update(&call.context, call.id(), metadata.as_ref()).await?))
    }
}
