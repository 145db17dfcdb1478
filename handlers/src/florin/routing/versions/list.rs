//! `GET /v1/florin/routing/versions`

use domain::ApiError;
use domain::resource::Json;
use domain::routing::Routing;
use flows::{Failure, Platform};
use store::list::{Filter, Page, Table};

use super::super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// Lists the versions of where payments go; the newest counts.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {}
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/florin/routing/versions";
    const RESOURCE: &'static str = "routing";
    const SHOWS: &'static str = "florin.routing";
    const OBJECT: &'static str = "florin.routing";
    type Parameters = Parameters;
    type Input = Page;

    fn check(parameters: Parameters) -> Result<Page, ApiError> {
        parameters.page()
    }

    async fn run<P: Platform>(call: &Call<'_, P>, page: Page) -> Result<Json, Failure> {
        list::show(call, Table::Routings, &[Filter::Nothing], &page, |row| {
            Ok(show(&Routing::try_from(row)?))
        })
        .await
    }
}
