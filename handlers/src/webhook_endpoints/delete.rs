//! `DELETE /v1/webhook_endpoints/{webhook_endpoint}`

use domain::ApiError;
use domain::resource::webhook_endpoint::Deleted;
use domain::resource::{Json, json};
use flows::{Failure, Platform, webhooks};

use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Deletes a webhook endpoint.
pub struct Delete;

impl Endpoint for Delete {
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/v1/webhook_endpoints/{webhook_endpoint}";
    const RESOURCE: &'static str = "webhook_endpoint";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        let endpoint = webhooks::delete(&call.context, call.id()).await?;
        let id = endpoint.id.as_str();
        Ok(json(&Deleted { id, object: "webhook_endpoint", deleted: true }))
    }
}
