//! `POST /v1/topups/{topup}`

use domain::ApiError;
use domain::resource::Json;
use flows::transfers::Update as Changes;
use flows::{Failure, Platform, topups};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::transfers::update::Parameters;

/// Changes what a top-up says of itself.
pub struct Update;

impl Endpoint for Update {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/topups/{topup}";
    const RESOURCE: &'static str = "topup";
    type Parameters = Parameters;
    type Input = Changes;

    fn check(parameters: Parameters) -> Result<Changes, ApiError> {
        Ok(parameters.into())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, changes: Changes) -> Result<Json, Failure> {
        Ok(show(&topups::update(&call.context, call.id(), &changes).await?))
    }
}
