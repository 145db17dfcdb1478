//! `GET /v1/florin/settlement_breaks/{settlement_break}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, settlements};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a difference between what a processor reports and our books.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/florin/settlement_breaks/{settlement_break}";
    const RESOURCE: &'static str = "settlement_break";
    const SHOWS: &'static str = "florin.settlement_break";
    const OBJECT: &'static str = "florin.settlement_break";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&settlements::find_break(&call.context, call.id()).await?))
    }
}
