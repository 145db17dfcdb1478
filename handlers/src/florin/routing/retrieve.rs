//! `GET /v1/florin/routing`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, routing};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows where payments go: the version that counts.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/florin/routing";
    const RESOURCE: &'static str = "routing";
    const SHOWS: &'static str = "florin.routing";
    const OBJECT: &'static str = "florin.routing";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&routing::current(&call.context).await?))
    }
}
