//! `GET /v1/disputes/{dispute}`

use domain::ApiError;
use flows::{Failure, Platform, disputes};
use serde_json::Value;

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a dispute.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/disputes/{dispute}";
    const RESOURCE: &'static str = "dispute";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Value, Failure> {
        Ok(show(&disputes::find(&call.context, call.id()).await?, call.context.now))
    }
}
