//! `GET /v1/transfers/{transfer}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, transfers};

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

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&transfers::find(&call.context, call.id()).await?))
    }
}
