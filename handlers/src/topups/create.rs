//! `POST /v1/topups`

use domain::metadata::MetadataUpdate;
use domain::resource::Json;
use domain::{ApiError, Patch};
use flows::{Failure, Platform, topups};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::payment_methods::parameters::new_metadata;
use crate::payouts::create::money;

/// The longest text on the bank's statement, in characters.
const MAX_DESCRIPTOR: usize = 15;

/// Adds money to the balance.
pub struct Create;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Minor units.
    amount: i64,
    /// The currency.
    currency: String,
    /// For people.
    #[serde(default)]
    description: Patch<String>,
    /// The merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
    /// A test token for a bank account; the currency's default bank account unless said.
    source: Option<String>,
    /// What the bank's statement says.
    #[serde(default)]
    statement_descriptor: Patch<String>,
    /// Groups payments and transfers.
    transfer_group: Option<String>,
}

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/topups";
    const RESOURCE: &'static str = "topup";
    type Parameters = Parameters;
    type Input = topups::Create;

    fn check(parameters: Parameters) -> Result<topups::Create, ApiError> {
        let statement_descriptor = parameters.statement_descriptor.into_option();
        let length = statement_descriptor.as_deref().map_or(0, |text| text.chars().count());
        if length > MAX_DESCRIPTOR {
            let param = "statement_descriptor".to_owned();
            return Err(ApiError::StringTooLong { param, length, limit: MAX_DESCRIPTOR });
        }
        Ok(topups::Create {
            amount: money(parameters.amount, &parameters.currency)?,
            description: parameters.description.into_option(),
            metadata: new_metadata(parameters.metadata.as_ref())?,
            source: parameters.source,
            statement_descriptor,
            transfer_group: parameters.transfer_group,
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        Ok(show(&topups::create(&call.context, &input).await?))
    }
}
