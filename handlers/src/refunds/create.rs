//! `POST /v1/refunds`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, refunds};

use super::parameters::Parameters;
use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Gives money back.
pub struct Create;

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/refunds";
    const RESOURCE: &'static str = "refund";
    type Parameters = Parameters;
    type Input = refunds::Create;

    fn check(parameters: Parameters) -> Result<refunds::Create, ApiError> {
        parameters.create(false)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        Ok(show(&refunds::create(&call.context, &input).await?))
    }
}
