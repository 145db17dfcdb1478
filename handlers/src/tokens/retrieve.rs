//! `GET /v1/tokens/{token}`

use domain::ApiError;
use domain::id::{BankAccountTokenId, Id};
use domain::resource::{self, Json, json};
use flows::{Failure, Platform, tokens};

use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a token; the built-in names are none.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/tokens/{token}";
    const RESOURCE: &'static str = "token";
    type Parameters = Nothing;
    type Input = Nothing;

    fn check(parameters: Nothing) -> Result<Nothing, ApiError> {
        Ok(parameters)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, _: Nothing) -> Result<Json, Failure> {
        if call.id().starts_with(BankAccountTokenId::PREFIX) {
            let token = tokens::find_bank_account(&call.context, call.id(), "token").await?;
            return Ok(json(&resource::token::Resource::from(&token)));
        }
        let token = tokens::find(&call.context, call.id()).await?;
        Ok(json(&resource::token::Resource::from(&token)))
    }
}
