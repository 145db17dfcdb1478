//! `/v1/florin/connector_accounts`.

pub mod create;
pub mod delete;
pub mod list;
pub mod retrieve;
pub mod update;

use std::collections::BTreeMap;

use domain::ApiError;
use domain::connector_account::ConnectorAccount;
use domain::money::Amount;
use domain::pricing::PricePlan;
use domain::resource::florin::ConnectorAccountResource;
use domain::resource::{Json, json};
use serde::Deserialize;

/// What a processor is agreed to keep of a payment.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "processor_fees"))]
#[serde(deny_unknown_fields)]
pub struct Fees {
    /// The share of it, in hundredths of a per cent.
    basis_points: u16,
    /// What is added to the share, in minor units by currency.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schemars(with = "BTreeMap<String, i64>"))]
    fixed: BTreeMap<String, Amount>,
}

impl Fees {
    fn plan(self) -> Result<PricePlan, ApiError> {
        let plan = PricePlan {
            basis_points: self.basis_points,
            fixed: self.fixed,
            ..PricePlan::default()
        };
        plan.check().map_err(|problem| ApiError::ParameterInvalid {
            param: "fees".to_owned(),
            message: format!("Invalid fees: {problem}."),
        })?;
        Ok(plan)
    }
}

/// The account as its owner sees it: without what opens it.
fn show(account: &ConnectorAccount) -> Json {
    json(&ConnectorAccountResource::from(account))
}
