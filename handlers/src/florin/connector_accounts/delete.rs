//! `DELETE /v1/florin/connector_accounts/{connector_account}`

use domain::ApiError;
use domain::resource::florin::ConnectorAccountDeleted;
use domain::resource::{Json, json};
use flows::{Failure, Platform, connector_accounts};

use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Forgets an account at a payment processor.
pub struct Delete;

impl Endpoint for Delete {
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/v1/florin/connector_accounts/{connector_account}";
    const RESOURCE: &'static str = "connector_account";
    const SHOWS: &'static str = "florin.connector_account";
    const OBJECT: &'static str = "florin.connector_account";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        let account = connector_accounts::delete(&call.context, call.id()).await?;
        let id = account.id.as_str();
        let object = "florin.connector_account";
        Ok(json(&ConnectorAccountDeleted { id, object, deleted: true }))
    }
}
