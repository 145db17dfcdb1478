//! `GET /v1/florin/webhook_deliveries/{webhook_delivery}`

use domain::ApiError;
use domain::resource::florin::WebhookDeliveryResource;
use domain::resource::{Json, json};
use flows::{Failure, Platform, webhooks};

use crate::dispatch::Nothing;
use crate::endpoint::{Call, Endpoint, Method};

/// Shows a delivery, and what came of each attempt.
pub struct Retrieve;

impl Endpoint for Retrieve {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/florin/webhook_deliveries/{webhook_delivery}";
    const RESOURCE: &'static str = "webhook_endpoint";
    const SHOWS: &'static str = "florin.webhook_delivery";
    const OBJECT: &'static str = "florin.webhook_delivery";
    type Parameters = Nothing;
    type Input = ();

    fn check(Nothing {}: Nothing) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run<P: Platform>(call: &Call<'_, P>, (): ()) -> Result<Json, Failure> {
        let (delivery, attempts) = webhooks::find_delivery(&call.context, call.id()).await?;
        let livemode = call.context.scope.livemode;
        Ok(json(&WebhookDeliveryResource::new(&delivery, livemode, Some(&attempts))))
    }
}
