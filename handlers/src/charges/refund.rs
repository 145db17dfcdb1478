//! `POST /v1/charges/{charge}/refund`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, charges, refunds};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::refunds::parameters::Parameters;

/// Gives a charge's money back, and shows the charge.
pub struct Refund;

impl Endpoint for Refund {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/charges/{charge}/refund";
    const RESOURCE: &'static str = "refund";
    const OBJECT: &'static str = "charge";
    const SHOWS: &'static str = "charge";
    type Parameters = Parameters;
    type Input = refunds::Create;

    fn check(parameters: Parameters) -> Result<refunds::Create, ApiError> {
        parameters.create(true)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        let input = refunds::Create { charge: Some(call.id().to_owned()), ..input };
        let refund = refunds::create(&call.context, &input).await?;
        Ok(show(&charges::find(&call.context, refund.charge.as_str()).await?))
    }
}
