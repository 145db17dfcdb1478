//! `GET /v1/balance`

use domain::ApiError;
use domain::resource::{Json, json};
use flows::{Failure, Platform, balance};

use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows what a merchant has.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/balance";
    const RESOURCE: &'static str = "balance";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        let own = call.account.default_currency;
        Ok(json(&balance::balance(&call.context, own).await?))
    }
}
