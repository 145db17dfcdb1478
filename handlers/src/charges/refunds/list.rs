//! `GET /v1/charges/{charge}/refunds`

use domain::ApiError;
use domain::refund::Refund;
use domain::resource::Json;
use flows::{Failure, Platform, charges};
use store::list::{Filter, Page, Table};

use crate::endpoint::{Call, Endpoint, Method};
use crate::list;
use crate::refunds::show;

/// Lists the refunds of a charge.
pub struct List;

crate::list::list_parameters! {
    /// The query.
    pub struct Parameters {}
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/charges/{charge}/refunds";
    const RESOURCE: &'static str = "refund";
    type Parameters = Parameters;
    type Input = Page;

    fn check(parameters: Parameters) -> Result<Page, ApiError> {
        parameters.page()
    }

    async fn run<P: Platform>(call: &Call<'_, P>, page: Page) -> Result<Json, Failure> {
        let charge = charges::find(&call.context, call.id()).await?;
        let filter = Filter::Charge(charge.id.as_str().to_owned());
        list::show(call, Table::Refunds, &[filter], &page, |row| Ok(show(&Refund::try_from(row)?)))
            .await
    }
}
