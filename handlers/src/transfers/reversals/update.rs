//! `POST /v1/transfers/{transfer}/reversals/{reversal}`

use domain::ApiError;
use domain::resource::Json;
use flows::transfers::{self, Update as Changes};
use flows::{Failure, Platform};

use super::{named, show};
use crate::endpoint::{Call, Endpoint, Method};
use crate::transfers::update::Parameters;

/// Changes what a reversal says of itself.
pub struct Update;

impl Endpoint for Update {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/transfers/{transfer}/reversals/{reversal}";
    const RESOURCE: &'static str = "transfer";
    const SHOWS: &'static str = "transfer_reversal";
    const OBJECT: &'static str = "transfer_reversal";
    type Parameters = Parameters;
    type Input = Changes;

    fn check(parameters: Parameters) -> Result<Changes, ApiError> {
        Ok(parameters.into())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, changes: Changes) -> Result<Json, Failure> {
        let (context, transfer) = (&call.context, call.id());
        Ok(show(&transfers::update_reversal(context, transfer, named(call), &changes).await?))
    }
}
