//! `POST /v1/payouts/{payout}/reverse`

use domain::resource::Json;
use domain::{ApiError, Metadata};
use flows::{Failure, Platform, payouts};

use super::{show, update};
use crate::endpoint::{Call, Endpoint, Method};
use crate::payment_methods::parameters::new_metadata;

/// Takes a payout back from the bank account that it went to.
pub struct Reverse;

impl Endpoint for Reverse {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/payouts/{payout}/reverse";
    const RESOURCE: &'static str = "payout";
    type Parameters = update::Parameters;
    type Input = Metadata;

    fn check(parameters: update::Parameters) -> Result<Metadata, ApiError> {
        new_metadata(parameters.metadata.as_ref())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, metadata: Metadata) -> Result<Json, Failure> {
        Ok(show(&payouts::reverse(&call.context, call.id(), &metadata).await?))
    }
}
