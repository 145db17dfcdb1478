//! `POST /v1/charges/{charge}/dispute/close`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, disputes};

use super::find;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Accepts the dispute of a charge.
pub struct Close;

impl Endpoint for Close {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/charges/{charge}/dispute/close";
    const RESOURCE: &'static str = "dispute";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        disputes::close(&call.context, find(call).await?.id.as_str()).await
    }
}
