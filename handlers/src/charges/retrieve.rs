//! `GET /v1/charges/{charge}`

use domain::ApiError;
use flows::{Failure, Platform, charges};
use serde_json::Value;

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a charge.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/charges/{charge}";
    const RESOURCE: &'static str = "charge";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Value, Failure> {
        Ok(show(&charges::find(&call.context, call.id()).await?))
    }
}
