//! `GET /v1/customers/{customer}/payment_methods`

use domain::ApiError;
use domain::payment_method::AllowRedisplay;
use domain::resource::Json;
use flows::{Failure, Platform, customers};
use serde::Deserialize;
use store::list::Page;

use crate::endpoint::{Call, Endpoint, Method};
use crate::list;
use crate::payment_methods::list::{Narrowed, is_card, show_page};

/// Lists what a customer keeps.
pub struct List;

/// The query.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Whether they may be shown to their customer again.
    allow_redisplay: Option<AllowRedisplay>,
    /// The payment method that the page ends right before.
    ending_before: Option<String>,
    /// How many payment methods, 1 to 100.
    limit: Option<i64>,
    /// The payment method that the page begins right after.
    starting_after: Option<String>,
    /// What kind they are of.
    r#type: Option<String>,
}

/// The page that is asked for.
pub struct Input {
    narrowed: Narrowed,
    page: Page,
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/customers/{customer}/payment_methods";
    const RESOURCE: &'static str = "payment_method";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        let of_cards = is_card(parameters.r#type.as_deref())?;
        let after = parameters.starting_after.as_deref();
        let before = parameters.ending_before.as_deref();
        let narrowed = Narrowed { of_cards, allow_redisplay: parameters.allow_redisplay };
        Ok(Input { narrowed, page: list::page(None, parameters.limit, after, before)? })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        let no_such = || customers::no_such_in_path(call.id());
        show_page(call, Some(call.id()), &input.narrowed, &input.page, no_such).await
    }
}
