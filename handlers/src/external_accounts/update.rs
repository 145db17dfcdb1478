//! `POST /v1/accounts/{account}/external_accounts/{bank_account}`

use domain::ApiError;
use domain::metadata::MetadataUpdate;
use domain::resource::Json;
use flows::{Failure, Platform, bank_accounts};
use serde::Deserialize;

use super::{check_owner, named, show};
use crate::endpoint::{Call, Endpoint, Method};

/// Changes a bank account.
pub struct Update;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Whose it is.
    account_holder_name: Option<String>,
    /// Whether payouts in its currency go to it unless said otherwise.
    #[serde(default)]
    default_for_currency: bool,
    /// Changes to the merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
}

impl Endpoint for Update {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/accounts/{account}/external_accounts/{bank_account}";
    const RESOURCE: &'static str = "bank_account";
    type Parameters = Parameters;
    type Input = bank_accounts::Update;

    fn check(parameters: Parameters) -> Result<bank_accounts::Update, ApiError> {
        Ok(bank_accounts::Update {
            account_holder_name: parameters.account_holder_name,
            default_for_currency: parameters.default_for_currency,
            metadata: parameters.metadata,
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        check_owner(call)?;
        Ok(show(&bank_accounts::update(&call.context, named(call), &input).await?))
    }
}
