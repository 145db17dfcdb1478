//! `GET /v1/balance`

use domain::ApiError;
use domain::resource::balance::{Funds, Resource};
use domain::resource::value;
use flows::{Failure, Platform, balance};
use serde_json::Value;

use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows what a merchant has.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/balance";
    const RESOURCE: &'static str = "balance";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Value, Failure> {
        let sums = balance::balance(&call.context, call.account.default_currency).await?;
        let funds = |amount: fn(&balance::InCurrency) -> _| {
            sums.iter().map(|sum| Funds::new(amount(sum), sum.currency)).collect()
        };
        Ok(value(&Resource {
            object: "balance",
            available: funds(|sum| sum.available),
            // Nothing can be paid out at once without a rail that does it.
            instant_available: Vec::new(),
            livemode: call.context.scope.livemode,
            pending: funds(|sum| sum.pending),
        }))
    }
}
