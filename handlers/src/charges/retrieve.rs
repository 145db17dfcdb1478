//! `GET /v1/charges/{charge}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, charges};

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

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&charges::find(&call.context, call.id()).await?))
    }
}
