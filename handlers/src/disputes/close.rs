//! `POST /v1/disputes/{dispute}/close`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, disputes};

use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Accepts a dispute.
pub struct Close;

impl Endpoint for Close {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/disputes/{dispute}/close";
    const RESOURCE: &'static str = "dispute";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        disputes::close(&call.context, call.id()).await
    }
}
