//! `GET /v1/webhook_endpoints`

use domain::ApiError;
use domain::resource::Json;
use domain::webhook::WebhookEndpoint;
use flows::{Failure, Platform};
use store::list::{Filter, Page, Table};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// Lists webhook endpoints.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {}
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/webhook_endpoints";
    const RESOURCE: &'static str = "webhook_endpoint";
    type Parameters = Parameters;
    type Input = Page;

    fn check(parameters: Parameters) -> Result<Page, ApiError> {
        parameters.page()
    }

    async fn run<P: Platform>(call: &Call<'_, P>, page: Page) -> Result<Json, Failure> {
        list::show(call, Table::WebhookEndpoints, &[Filter::Nothing], &page, |row| {
            Ok(show(&WebhookEndpoint::try_from(row)?))
        })
        .await
    }
}
