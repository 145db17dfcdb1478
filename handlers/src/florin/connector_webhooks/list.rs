//! `GET /v1/florin/connector_webhooks`

use domain::ApiError;
use domain::connector_webhook::{ConnectorWebhook, Status};
use domain::resource::Json;
use flows::{Failure, Platform};
use store::list::{Filter, Page, Table};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// Lists what payment processors told unasked.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {
        /// Those of this status alone: `processed`, `ignored` or `parked`.
        status: Option<Status>,
    }
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/florin/connector_webhooks";
    const RESOURCE: &'static str = "connector_webhook";
    const SHOWS: &'static str = "florin.connector_webhook";
    const OBJECT: &'static str = "florin.connector_webhook";
    type Parameters = Parameters;
    type Input = (Page, Filter);

    fn check(parameters: Parameters) -> Result<Self::Input, ApiError> {
        let page = parameters.page()?;
        let status = parameters.status.map(|status| Filter::Status(status.name().to_owned()));
        Ok((page, status.unwrap_or(Filter::Nothing)))
    }

    async fn run<P: Platform>(
        call: &Call<'_, P>,
        (page, filter): Self::Input,
    ) -> Result<Json, Failure> {
        list::show(call, Table::ConnectorWebhooks, &[filter], &page, |row| {
            Ok(show(&ConnectorWebhook::try_from(row)?))
        })
        .await
    }
}
