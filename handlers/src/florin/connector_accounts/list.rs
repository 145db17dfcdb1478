//! `GET /v1/florin/connector_accounts`

use domain::ApiError;
use domain::connector_account::ConnectorAccount;
use domain::resource::Json;
use flows::{Failure, Platform};
use store::list::{Filter, Page, Table};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// Lists the accounts at payment processors.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {}
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/florin/connector_accounts";
    const RESOURCE: &'static str = "connector_account";
    const SHOWS: &'static str = "florin.connector_account";
    const OBJECT: &'static str = "florin.connector_account";
    type Parameters = Parameters;
    type Input = Page;

    fn check(parameters: Parameters) -> Result<Page, ApiError> {
        parameters.page()
    }

    async fn run<P: Platform>(call: &Call<'_, P>, page: Page) -> Result<Json, Failure> {
        list::show(call, Table::ConnectorAccounts, &[Filter::Nothing], &page, |row| {
            Ok(show(&ConnectorAccount::try_from(row)?))
        })
        .await
    }
}
