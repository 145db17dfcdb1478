//! `GET /v1/files`

use domain::ApiError;
use domain::file::File;
use domain::resource::Json;
use flows::{Failure, Platform};
use store::list::{Filter, Page, Table};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// Lists files.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {
        /// What they are for.
        purpose: Option<String>,
    }
}

/// The page that is asked for.
pub struct Input {
    filter: Filter,
    page: Page,
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/files";
    const RESOURCE: &'static str = "file";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        let page = parameters.page()?;
        Ok(Input { filter: parameters.purpose.map_or(Filter::Nothing, Filter::Purpose), page })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        list::show(call, Table::Files, &[input.filter], &input.page, |row| {
            Ok(show(&File::try_from(row)?))
        })
        .await
    }
}
