//! `/v1/florin`: what Stripe has no endpoints for.

pub mod connector_accounts;
pub mod connector_webhooks;
pub mod event_replays;
pub mod payment_attempts;
pub mod routing;
pub mod settlement_breaks;
pub mod settlement_reports;
pub mod webhook_deliveries;
pub mod webhook_endpoints;

use domain::ApiError;

/// Checks a number that is to lie within bounds.
fn check_range(param: &str, value: Option<&i64>, least: i64, most: i64) -> Result<(), ApiError> {
    match value {
        Some(value) if !(least..=most).contains(value) => Err(ApiError::ParameterInvalid {
            param: param.to_owned(),
            message: format!("Invalid {param}: must be between {least} and {most}."),
        }),
        _ => Ok(()),
    }
}
