//! `POST /v1/transfers/{transfer}/reversals`

use domain::metadata::MetadataUpdate;
use domain::resource::Json;
use domain::{Amount, ApiError, Patch};
use flows::{Failure, Platform, transfers};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::payment_methods::parameters::new_metadata;

/// Takes money of a transfer back.
pub struct Create;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Minor units; all that is left unless said.
    amount: Option<i64>,
    /// For people.
    #[serde(default)]
    description: Patch<String>,
    /// The merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
}

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/transfers/{transfer}/reversals";
    const RESOURCE: &'static str = "transfer";
    const SHOWS: &'static str = "transfer_reversal";
    const OBJECT: &'static str = "transfer_reversal";
    type Parameters = Parameters;
    type Input = transfers::Reverse;

    fn check(parameters: Parameters) -> Result<transfers::Reverse, ApiError> {
        let amount = parameters.amount.map(Amount::new).transpose().ok().flatten();
        if parameters.amount.is_some() && amount.is_none_or(Amount::is_zero) {
            return Err(ApiError::AmountNotPositive { param: "amount".to_owned() });
        }
        Ok(transfers::Reverse {
            amount,
            description: parameters.description.into_option(),
            metadata: new_metadata(parameters.metadata.as_ref())?,
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        Ok(show(&transfers::reverse(&call.context, call.id(), &input).await?))
    }
}
