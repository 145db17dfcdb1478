//! `GET /v1/florin/webhook_deliveries`

use domain::ApiError;
use domain::resource::florin::WebhookDeliveryResource;
use domain::resource::{Json, List as Page, json};
use domain::webhook::delivery::Status;
use flows::{Failure, Platform, webhooks};

use crate::endpoint::{Call, Endpoint, Method};
use crate::list::list_parameters;

/// Lists deliveries, in the order of their events.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {
        /// Of this event.
        event: Option<String>,
        /// That stand so.
        status: Option<Status>,
        /// To this endpoint; to each that was not deleted unless said.
        webhook_endpoint: Option<String>,
    }
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/florin/webhook_deliveries";
    const RESOURCE: &'static str = "webhook_endpoint";
    const SHOWS: &'static str = "florin.webhook_delivery";
    const OBJECT: &'static str = "florin.webhook_delivery";
    type Parameters = Parameters;
    type Input = webhooks::Query;

    fn check(parameters: Parameters) -> Result<webhooks::Query, ApiError> {
        let page = parameters.page()?;
        let Parameters { event, status, webhook_endpoint, .. } = parameters;
        Ok(webhooks::Query { endpoint: webhook_endpoint, event, status, page })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, query: webhooks::Query) -> Result<Json, Failure> {
        let (deliveries, has_more) = webhooks::list(&call.context, &query).await?;
        let livemode = call.context.scope.livemode;
        let show = |delivery| json(&WebhookDeliveryResource::new(delivery, livemode, None));
        let data = deliveries.iter().map(show).collect();
        Ok(json(&Page { object: "list", data, has_more, url: call.url.clone() }))
    }
}
