//! `POST /v1/florin/settlement_reports`

use domain::ApiError;
use domain::dispute::LongText;
use domain::resource::Json;
use flows::{Failure, Platform, settlements};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Takes what a processor reports, which is then held against the books.
pub struct Create;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The account at the processor.
    connector_account: String,
    /// The report: comma-separated values with Stripe's columns of an itemized report.
    file: LongText,
}

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/florin/settlement_reports";
    const RESOURCE: &'static str = "settlement_report";
    const SHOWS: &'static str = "florin.settlement_report";
    const OBJECT: &'static str = "florin.settlement_report";
    type Parameters = Parameters;
    type Input = Parameters;

    fn check(given: Parameters) -> Result<Parameters, ApiError> {
        Ok(given)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, given: Parameters) -> Result<Json, Failure> {
        let Parameters { connector_account, file: LongText(file) } = &given;
        Ok(show(&settlements::create(&call.context, connector_account, file).await?))
    }
}
