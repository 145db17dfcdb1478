//! `GET /v1/payouts/{payout}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, payouts};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a payout.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/payouts/{payout}";
    const RESOURCE: &'static str = "payout";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&payouts::find(&call.context, call.id()).await?))
    }
}
