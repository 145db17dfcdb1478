//! `GET /v1/refunds/{refund}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, refunds};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a refund.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/refunds/{refund}";
    const RESOURCE: &'static str = "refund";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&refunds::find(&call.context, call.id()).await?))
    }
}
