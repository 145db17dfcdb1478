//! `POST /v1/charges/{charge}/dispute`

use domain::ApiError;
use domain::resource::Json;
use flows::disputes::Changes;
use flows::{Failure, Platform, disputes};

use super::find;
use crate::disputes::update::{self, Parameters};
use crate::endpoint::{Call, Endpoint, Method};

/// Answers the dispute of a charge, or stages an answer.
pub struct Update;

impl Endpoint for Update {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/charges/{charge}/dispute";
    const RESOURCE: &'static str = "dispute";
    type Parameters = Parameters;
    type Input = Changes;

    fn check(parameters: Parameters) -> Result<Changes, ApiError> {
        update::Update::check(parameters)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, changes: Changes) -> Result<Json, Failure> {
        disputes::update(&call.context, find(call).await?.id.as_str(), &changes).await
    }
}
