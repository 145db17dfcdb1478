//! `GET /v1/florin/settlement_reports/{settlement_report}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, settlements};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows what a processor reported.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/florin/settlement_reports/{settlement_report}";
    const RESOURCE: &'static str = "settlement_report";
    const SHOWS: &'static str = "florin.settlement_report";
    const OBJECT: &'static str = "florin.settlement_report";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&settlements::find_report(&call.context, call.id()).await?))
    }
}
