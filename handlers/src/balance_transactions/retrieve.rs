//! `GET /v1/balance_transactions/{id}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, balance};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a movement of the balance.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/balance_transactions/{id}";
    const RESOURCE: &'static str = "balance_transaction";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        let transaction = balance::find(&call.context, call.id()).await?;
        Ok(show(&transaction, call.context.now))
    }
}
