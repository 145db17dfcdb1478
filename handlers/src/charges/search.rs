//! `GET /v1/charges/search`

use domain::ApiError;
use domain::charge::Charge;
use domain::resource::Json;
use domain::search::Searched;
use flows::{Failure, Platform};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::search::{self, Input, Parameters};

/// Searches charges.
pub struct Search;

impl Endpoint for Search {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/charges/search";
    const RESOURCE: &'static str = "charge";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        parameters.check(Searched::Charges)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        search::show(call, &input, |charge: &Charge| show(charge)).await
    }
}
