//! `POST /v1/topups/{topup}/cancel`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, topups};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Stops a top-up that the bank has not answered yet.
pub struct Cancel;

impl Endpoint for Cancel {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/topups/{topup}/cancel";
    const RESOURCE: &'static str = "topup";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&topups::cancel(&call.context, call.id()).await?))
    }
}
