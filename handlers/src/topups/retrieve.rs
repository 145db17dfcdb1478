//! `GET /v1/topups/{topup}`

use domain::ApiError;
use flows::{Failure, Platform, topups};
use serde_json::Value;

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a top-up.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/topups/{topup}";
    const RESOURCE: &'static str = "topup";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Value, Failure> {
        Ok(show(&topups::find(&call.context, call.id()).await?))
    }
}
