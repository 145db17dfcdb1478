//! `POST /v1/refunds/{refund}/cancel`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, refunds};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Stops a refund that waits for its customer.
pub struct Cancel;

impl Endpoint for Cancel {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/refunds/{refund}/cancel";
    const RESOURCE: &'static str = "refund";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        Ok(show(&refunds::cancel(&call.context, call.id()).await?))
    }
}
