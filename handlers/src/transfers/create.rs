//! `POST /v1/transfers`

use domain::metadata::MetadataUpdate;
use domain::payout::SourceType;
use domain::resource::Json;
use domain::{ApiError, Patch};
use flows::{Failure, Platform, transfers};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::payment_methods::parameters::new_metadata;
use crate::payouts::create::money;

/// Sends money to a connected account.
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
    /// The account that it goes to.
    destination: String,
    /// The merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
    /// What kind of payment brought the money.
    #[serde(default)]
    source_type: SourceType,
    /// Groups payments and transfers.
    transfer_group: Option<String>,
}

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/transfers";
    const RESOURCE: &'static str = "transfer";
    type Parameters = Parameters;
    type Input = transfers::Create;

    fn check(parameters: Parameters) -> Result<transfers::Create, ApiError> {
        Ok(transfers::Create {
            amount: money(parameters.amount, &parameters.currency)?,
            description: parameters.description.into_option(),
            destination: parameters.destination,
            metadata: new_metadata(parameters.metadata.as_ref())?,
            source_type: parameters.source_type,
            transfer_group: parameters.transfer_group,
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        Ok(show(&transfers::create(&call.context, &input).await?))
    }
}
