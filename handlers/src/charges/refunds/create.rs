//! `POST /v1/charges/{charge}/refunds`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, refunds};

use crate::endpoint::{Call, Endpoint, Method};
use crate::refunds::parameters::Parameters;
use crate::refunds::show;

/// Gives a charge's money back.
pub struct Create;

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/charges/{charge}/refunds";
    const RESOURCE: &'static str = "refund";
    type Parameters = Parameters;
    type Input = refunds::Create;

    fn check(parameters: Parameters) -> Result<refunds::Create, ApiError> {
        parameters.create(true)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        let input = refunds::Create { charge: Some(call.id().to_owned()), ..input };
        Ok(show(&refunds::create(&call.context, &input).await?))
    }
}
