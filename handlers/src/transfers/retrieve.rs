//! `GET /v1/transfers/{transfer}`

use domain::ApiError;
use flows::{Failure, Platform, transfers};
use serde_json::Value;

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a transfer.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/transfers/{transfer}";
    const RESOURCE: &'static str = "transfer";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Value, Failure> {
        Ok(show(&transfers::find(&call.context, call.id()).await?))
    }
}
