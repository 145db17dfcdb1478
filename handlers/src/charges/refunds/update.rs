//! `POST /v1/charges/{charge}/refunds/{refund}`

use domain::ApiError;
use domain::metadata::MetadataUpdate;
use domain::resource::Json;
use flows::{Failure, Platform, refunds};

use super::find;
use crate::endpoint::{Call, Endpoint, Method};
use crate::refunds::show;
use crate::refunds::update::Parameters;

/// Changes the merchant's own pairs on a refund of a charge.
pub struct Update;

impl Endpoint for Update {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/charges/{charge}/refunds/{refund}";
    const RESOURCE: &'static str = "refund";
    type Parameters = Parameters;
    type Input = Option<MetadataUpdate>;

    fn check(parameters: Parameters) -> Result<Self::Input, ApiError> {
        Ok(parameters.metadata)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, metadata: Self::Input) -> Result<Json, Failure> {
        let refund = find(call).await?;
        let refund = refunds::update(&call.context, refund.id.as_str(), metadata.as_ref()).await?;
        Ok(show(&refund))
    }
}
