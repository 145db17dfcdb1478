//! `GET /v1/topups/{topup}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, topups};

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

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&topups::find(&call.context, call.id()).await?))
    }
}
