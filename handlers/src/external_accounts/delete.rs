//! `DELETE /v1/accounts/{account}/external_accounts/{bank_account}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, bank_accounts};

use super::{check_owner, named, show};
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Takes a bank account away.
pub struct Delete;

impl Endpoint for Delete {
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/v1/accounts/{account}/external_accounts/{bank_account}";
    const RESOURCE: &'static str = "bank_account";
    type Parameters = Nothing;
    type Input = Nothing;

    fn check(parameters: Nothing) -> Result<Nothing, ApiError> {
        Ok(parameters)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, _: Nothing) -> Result<Json, Failure> {
        check_owner(call)?;
        Ok(show(&bank_accounts::delete(&call.context, named(call)).await?))
    }
}
