//! `GET /v1/accounts/{account}`

use domain::ApiError;
use domain::resource::{self, value};
use flows::{Failure, Platform};
use serde_json::Value;

use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows the caller's account by its id.
pub struct RetrieveById;

impl Endpoint for RetrieveById {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/accounts/{account}";
    const RESOURCE: &'static str = "account";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Value, Failure> {
        if call.id() != call.account.id.as_str() {
            let account = call.id().chars().take(100).collect();
            return Err(ApiError::AccountNotAccessible { account }.into());
        }
        Ok(value(&resource::account::Resource::from(call.account)))
    }
}
