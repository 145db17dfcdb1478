//! `/v1/florin/connector_accounts`.

pub mod create;
pub mod delete;
pub mod list;
pub mod retrieve;
pub mod update;

use domain::ApiError;
use domain::connector_account::ConnectorAccount;
use domain::pricing::PricePlan;
use domain::resource::florin::ConnectorAccountResource;
use domain::resource::{Json, json};

/// Reads what a processor is agreed to keep of a payment.
fn fees(text: &str) -> Result<PricePlan, ApiError> {
    let refused = |problem: String| ApiError::ParameterInvalid {
        param: "fees".to_owned(),
        message: format!("Invalid fees: {problem}."),
    };
    let plan: PricePlan =
        domain::kept::from_text(text).map_err(|error| refused(error.to_string()))?;
    plan.check().map_err(refused)?;
    Ok(plan)
}

/// The account as its owner sees it: without what opens it.
fn show(account: &ConnectorAccount) -> Json {
    json(&ConnectorAccountResource::from(account))
}
