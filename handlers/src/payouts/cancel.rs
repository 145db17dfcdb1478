//! `POST /v1/payouts/{payout}/cancel`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, payouts};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Stops a payout that has not left yet.
pub struct Cancel;

impl Endpoint for Cancel {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/payouts/{payout}/cancel";
    const RESOURCE: &'static str = "payout";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&payouts::cancel(&call.context, call.id()).await?))
    }
}
