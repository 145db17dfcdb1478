//! `/v1/florin/webhook_endpoints`.

pub mod retrieve;
pub mod roll;
pub mod update;

use domain::resource::florin::WebhookEndpointResource;
use domain::resource::{Json, json};
use domain::webhook::WebhookEndpoint;
use flows::{Failure, Platform, webhooks};

use crate::endpoint::Call;

/// How an endpoint is delivered to and fares, and the secret where it is told.
async fn show<P: Platform>(
    call: &Call<'_, P>,
    endpoint: &WebhookEndpoint,
    secret: Option<&str>,
) -> Result<Json, Failure> {
    let health = webhooks::health(&call.context, endpoint.id.as_str()).await?;
    Ok(json(&WebhookEndpointResource::new(endpoint, &health, secret, call.context.now)))
}
