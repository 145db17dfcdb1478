//! `GET /v1/florin/connector_accounts/{connector_account}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, connector_accounts};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows an account at a payment processor.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/florin/connector_accounts/{connector_account}";
    const RESOURCE: &'static str = "connector_account";
    const SHOWS: &'static str = "florin.connector_account";
    const OBJECT: &'static str = "florin.connector_account";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&connector_accounts::find(&call.context, call.id()).await?))
    }
}
