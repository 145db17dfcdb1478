//! `GET /v1/transfers/{transfer}/reversals/{reversal}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, transfers};

use super::{named, show};
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a reversal.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/transfers/{transfer}/reversals/{reversal}";
    const RESOURCE: &'static str = "transfer";
    const SHOWS: &'static str = "transfer_reversal";
    const OBJECT: &'static str = "transfer_reversal";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&transfers::find_reversal(&call.context, call.id(), named(call)).await?))
    }
}
