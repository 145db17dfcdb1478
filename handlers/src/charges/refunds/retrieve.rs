//! `GET /v1/charges/{charge}/refunds/{refund}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform};

use super::find;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};
use crate::refunds::show;

/// Shows a refund of a charge.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/charges/{charge}/refunds/{refund}";
    const RESOURCE: &'static str = "refund";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&find(call).await?))
    }
}
