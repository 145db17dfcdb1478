//! `POST /v1/reporting/report_runs`

use domain::ApiError;
use domain::report::{self, ReportType};
use domain::resource::Json;
use domain::timestamp::Timestamp;
use flows::{Failure, Platform, reports};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::payment_intents::parameters::currency;

/// Asks for a report.
pub struct Create;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// What the report is to be about.
    #[serde(default)]
    parameters: RunParameters,
    /// Which report, as `balance.summary.1`.
    report_type: String,
}

/// What a report is to be about; which of these a report takes, and which it needs, is its own.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RunParameters {
    /// The columns, in order.
    columns: Option<Vec<String>>,
    /// One currency alone.
    currency: Option<String>,
    /// The end, exclusive.
    interval_end: Option<Timestamp>,
    /// The beginning, inclusive.
    interval_start: Option<Timestamp>,
    /// The payout whose transactions are wanted.
    payout: Option<String>,
    /// One category alone.
    reporting_category: Option<String>,
    /// In which zone of the IANA Time Zone Database moments are written; UTC unless said.
    timezone: Option<String>,
}

/// A report, and what it is to be about.
pub struct Input {
    report: &'static ReportType,
    parameters: report::Parameters,
}

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/reporting/report_runs";
    const RESOURCE: &'static str = "reporting.report_run";
    type Parameters = Parameters;
    type Input = Input;

    fn check(given: Parameters) -> Result<Input, ApiError> {
        let report = ReportType::find(&given.report_type).ok_or_else(|| {
            reports::no_such("report type", &given.report_type, "report_type", false)
        })?;
        let given = given.parameters;
        let parameters = report::Parameters {
            columns: given.columns,
            currency: given.currency.as_deref().map(currency).transpose()?,
            interval_end: given.interval_end,
            interval_start: given.interval_start,
            payout: given.payout,
            reporting_category: given.reporting_category,
            timezone: given.timezone,
        };
        let param = |name: &str| format!("parameters[{name}]");
        if let Some(name) = report.missing(&parameters) {
            return Err(ApiError::MissingParameter { param: param(name) });
        }
        if let Some(name) = report.unknown(&parameters) {
            return Err(ApiError::UnknownParameter { param: param(name) });
        }
        check_columns(report, parameters.columns.as_deref())?;
        Ok(Input { report, parameters })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        let Input { report, parameters } = input;
        let made = call.account.created;
        Ok(show(&reports::create(&call.context, report, &parameters, made).await?))
    }
}

/// The most columns that a report has.
const MOST_COLUMNS: usize = 200;

fn check_columns(report: &ReportType, columns: Option<&[String]>) -> Result<(), ApiError> {
    let invalid = |message| {
        Err(ApiError::ParameterInvalid { param: "parameters[columns]".to_owned(), message })
    };
    let columns = columns.unwrap_or_default();
    if columns.len() > MOST_COLUMNS {
        return invalid(format!("A report can have at most {MOST_COLUMNS} columns."));
    }
    match columns.iter().find(|name| !report.has_column(name)) {
        Some(name) => invalid(format!("Invalid column for the report type {}: {name}", report.id)),
        None => Ok(()),
    }
}
