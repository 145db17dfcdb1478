//! `GET /v1/florin/routing/versions/{routing}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, routing};

use super::super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows one version of where payments go.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/florin/routing/versions/{routing}";
    const RESOURCE: &'static str = "routing";
    const SHOWS: &'static str = "florin.routing";
    const OBJECT: &'static str = "florin.routing";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&routing::find(&call.context, call.id()).await?))
    }
}
