//! `POST /v1/florin/connector_accounts`

use domain::ApiError;
use domain::metadata::MetadataUpdate;
use domain::resource::Json;
use flows::{Failure, Platform, connector_accounts};
use serde::Deserialize;

use super::{fees, show};
use crate::endpoint::{Call, Endpoint, Method};
use crate::payment_methods::parameters::new_metadata;

/// Connects an account at a payment processor.
pub struct Create;

/// The body; it is not for printing.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The secret that opens it; it is never shown.
    secret_key: String,
    /// Where the processor's API is, where it is not its usual address.
    base_url: Option<String>,
    /// The processor, by the name of its connector, as `stripe`.
    connector: String,
    /// Whether no payments go there yet.
    disabled: Option<bool>,
    /// What the processor is agreed to keep of a payment, as JSON: `basis_points`, and `fixed` in minor units by
    /// currency; reports of another fee differ.
    fees: Option<String>,
    /// The merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
    /// The account or profile within it, where the secret opens several.
    processor_account: Option<String>,
    /// What the processor signs its webhooks with; it is never shown.
    webhook_secret: Option<String>,
}

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/florin/connector_accounts";
    const RESOURCE: &'static str = "connector_account";
    const SHOWS: &'static str = "florin.connector_account";
    const OBJECT: &'static str = "florin.connector_account";
    type Parameters = Parameters;
    type Input = connector_accounts::Create;

    fn check(given: Parameters) -> Result<connector_accounts::Create, ApiError> {
        let connector = connector_accounts::connector(&given.connector)?;
        Ok(connector_accounts::Create {
            connector,
            secret_key: given.secret_key,
            base_url: given.base_url,
            processor_account: given.processor_account,
            disabled: given.disabled.unwrap_or(false),
            webhook_secret: given.webhook_secret,
            fees: given.fees.as_deref().map(fees).transpose()?,
            metadata: new_metadata(given.metadata.as_ref())?,
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        Ok(show(&connector_accounts::create(&call.context, &input).await?))
    }
}
