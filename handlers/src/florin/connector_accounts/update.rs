//! `POST /v1/florin/connector_accounts/{connector_account}`

use domain::ApiError;
use domain::metadata::MetadataUpdate;
use domain::resource::Json;
use flows::{Failure, Platform, connector_accounts};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Changes an account at a payment processor.
pub struct Update;

/// The body; it is not for printing.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// A new secret that opens it; it is never shown.
    secret_key: Option<String>,
    /// Whether no new payments go there.
    disabled: Option<bool>,
    /// Changes to the merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
}

impl Endpoint for Update {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/florin/connector_accounts/{connector_account}";
    const RESOURCE: &'static str = "connector_account";
    const SHOWS: &'static str = "florin.connector_account";
    const OBJECT: &'static str = "florin.connector_account";
    type Parameters = Parameters;
    type Input = connector_accounts::Update;

    fn check(given: Parameters) -> Result<connector_accounts::Update, ApiError> {
        let Parameters { secret_key, disabled, metadata } = given;
        Ok(connector_accounts::Update { secret_key, disabled, metadata })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        Ok(show(&connector_accounts::update(&call.context, call.id(), &input).await?))
    }
}
