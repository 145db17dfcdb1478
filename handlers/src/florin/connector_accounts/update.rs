//! `POST /v1/florin/connector_accounts/{connector_account}`

use domain::ApiError;
use domain::connector_account::LONGEST_OVERLAP;
use domain::metadata::MetadataUpdate;
use domain::resource::Json;
use flows::{Failure, Platform, connector_accounts};
use serde::Deserialize;

use super::{fees, show};
use crate::endpoint::{Call, Endpoint, Method};
use crate::florin::check_range;

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
    /// What the processor is agreed to keep of a payment, as JSON: `basis_points`, and `fixed` in minor units by
    /// currency; reports of another fee differ.
    fees: Option<String>,
    /// Changes to the merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
    /// What the processor signs its webhooks with from now on; it is never shown.
    webhook_secret: Option<String>,
    /// For how many seconds the secrets before are believed beside it, 0 to 86,400, which it is unless said.
    webhook_secret_overlap: Option<i64>,
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
        let overlap = given.webhook_secret_overlap;
        check_range("webhook_secret_overlap", overlap.as_ref(), 0, LONGEST_OVERLAP)?;
        Ok(connector_accounts::Update {
            secret_key: given.secret_key,
            disabled: given.disabled,
            webhook_secret: given.webhook_secret,
            webhook_secret_overlap: overlap,
            fees: given.fees.as_deref().map(fees).transpose()?,
            metadata: given.metadata,
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        Ok(show(&connector_accounts::update(&call.context, call.id(), &input).await?))
    }
}
