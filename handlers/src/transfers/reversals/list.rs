//! `GET /v1/transfers/{transfer}/reversals`

use domain::ApiError;
use domain::resource::Json;
use domain::transfer::TransferReversal;
use flows::{Failure, Platform, transfers};
use store::list::{Filter, Page, Table};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list;

/// Lists what came back of a transfer.
pub struct List;

crate::list::list_parameters! {
    /// The query.
    pub struct Parameters {}
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/transfers/{transfer}/reversals";
    const RESOURCE: &'static str = "transfer";
    const SHOWS: &'static str = "transfer_reversal";
    const OBJECT: &'static str = "transfer_reversal";
    type Parameters = Parameters;
    type Input = Page;

    fn check(parameters: Parameters) -> Result<Page, ApiError> {
        parameters.page()
    }

    async fn run<P: Platform>(call: &Call<'_, P>, page: Page) -> Result<Json, Failure> {
        let transfer = transfers::find(&call.context, call.id()).await?;
        let filter = Filter::Transfer(transfer.id.as_str().to_owned());
        list::show(call, Table::TransferReversals, &[filter], &page, |row| {
            Ok(show(&TransferReversal::try_from(row)?))
        })
        .await
    }
}
