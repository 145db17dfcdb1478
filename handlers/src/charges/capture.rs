//! `POST /v1/charges/{charge}/capture`

use domain::resource::Json;
use domain::{ApiError, Patch};
use flows::charges::{self, CaptureChanges};
use flows::{Failure, Platform};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::payment_intents::parameters::check_email;

/// Takes the money that a charge holds.
pub struct Capture;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Minor units; all that is held unless said.
    #[serde(default, deserialize_with = "domain::patch::named")]
    amount: Option<i64>,
    /// The old name of `application_fee_amount`.
    application_fee: Option<i64>,
    /// The platform's part, in minor units.
    application_fee_amount: Option<i64>,
    /// Where the receipt goes.
    #[serde(default)]
    receipt_email: Patch<String>,
    /// What the cardholder reads.
    statement_descriptor: Option<String>,
    /// What the cardholder reads after the merchant's name.
    statement_descriptor_suffix: Option<String>,
    /// Groups payments and transfers.
    transfer_group: Option<String>,
}

impl Endpoint for Capture {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/charges/{charge}/capture";
    const RESOURCE: &'static str = "charge";
    type Parameters = Parameters;
    type Input = charges::Capture;

    fn check(parameters: Parameters) -> Result<charges::Capture, ApiError> {
        if parameters.amount.is_some_and(|amount| amount < 1) {
            return Err(ApiError::AmountNotPositive { param: "amount".to_owned() });
        }
        let fee = parameters.application_fee_amount.or(parameters.application_fee);
        Ok(charges::Capture {
            amount: parameters.amount,
            changes: CaptureChanges {
                application_fee_amount: fee,
                receipt_email: check_email("receipt_email", &parameters.receipt_email)?
                    .into_option(),
                statement_descriptor: parameters.statement_descriptor,
                statement_descriptor_suffix: parameters.statement_descriptor_suffix,
                transfer_group: parameters.transfer_group,
            },
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        Ok(show(&charges::capture(&call.context, call.id(), &input).await?))
    }
}
