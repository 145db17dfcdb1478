//! `GET /v1/accounts/{account}`

use domain::ApiError;
use domain::resource::Json;
use flows::{Failure, Platform, accounts};

use super::show;
use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows the caller's account, or one that is connected to it, by its id.
pub struct RetrieveById;

impl Endpoint for RetrieveById {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/accounts/{account}";
    const RESOURCE: &'static str = "account";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        if call.id() == call.account.id.as_str() {
            return show(call, call.account).await;
        }
        show(call, &accounts::find(&call.context, call.id()).await?).await
    }
}
