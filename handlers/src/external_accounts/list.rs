//! `GET /v1/accounts/{account}/external_accounts`

use domain::ApiError;
use domain::bank_account::BankAccount;
use domain::resource::Json;
use flows::{Failure, Platform};
use serde::Deserialize;
use store::list::{Filter, Page, Table};

use super::{check_owner, show};
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// Lists bank accounts.
pub struct List;

/// What is listed; there are only bank accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum Object {
    BankAccount,
    Card,
}

list_parameters! {
    /// The query.
    pub struct Parameters {
        /// What is wanted.
        object: Option<Object>,
    }
}

/// The page that is asked for.
pub struct Input {
    filters: Vec<Filter>,
    page: Page,
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/accounts/{account}/external_accounts";
    const RESOURCE: &'static str = "bank_account";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        let page = parameters.page()?;
        let filters = match parameters.object {
            Some(Object::Card) => Vec::new(),
            _ => vec![Filter::Nothing],
        };
        Ok(Input { filters, page })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        check_owner(call)?;
        list::show(call, Table::BankAccounts, &input.filters, &input.page, |row| {
            Ok(show(&BankAccount::try_from(row)?))
        })
        .await
    }
}
