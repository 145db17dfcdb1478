//! `GET /v1/disputes/{dispute}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, disputes};

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

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&disputes::find(&call.context, call.id()).await?, call.context.now))
    }
}
