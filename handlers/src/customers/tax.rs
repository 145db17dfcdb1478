//! What a customer's tax and cash balance can be where nobody calculates tax and nobody pays in cash.

use std::net::IpAddr;

use domain::customer::Customer;
use domain::{ApiError, Patch};
use flows::{Failure, Platform};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::endpoint::Call;

/// Where a customer is, for their tax.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TaxParameters {
    /// Their address in the net.
    #[serde(default)]
    ip_address: Patch<String>,
    /// When their location is looked up.
    validate_location: Option<ValidateLocation>,
}

/// When a customer's location is looked up.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum ValidateLocation {
    /// When it is needed, if it changed.
    Auto,
    /// When it is needed.
    Deferred,
    /// With the request.
    Immediately,
}

impl TaxParameters {
    /// The new address in the net.
    ///
    /// # Errors
    /// When it is none, or the location is to be looked up.
    pub fn ip_address(self) -> Result<Patch<String>, ApiError> {
        let invalid = |param: &str, message: String| {
            Err(ApiError::ParameterInvalid { param: param.to_owned(), message })
        };
        if self.validate_location == Some(ValidateLocation::Immediately) {
            let message = "No location can be validated, since no tax is calculated. Use \
                           `deferred` instead of `immediately`.";
            return invalid("tax[validate_location]", message.to_owned());
        }
        match self.ip_address.as_set() {
            Some(address) if address.parse::<IpAddr>().is_err() => {
                let shown: String = address.chars().take(100).collect();
                invalid("tax[ip_address]", format!("Invalid IP address: {shown}"))
            }
            _ => Ok(self.ip_address),
        }
    }
}

/// How a customer's cash balance is used.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CashBalanceParameters {
    settings: Option<CashBalanceSettings>,
}

/// How a customer's cash balance is used.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct CashBalanceSettings {
    reconciliation_mode: Option<ReconciliationMode>,
}

/// Whether payments take what they need from a cash balance by themselves.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum ReconciliationMode {
    /// They do.
    Automatic,
    /// They do not.
    Manual,
    /// As the account has it.
    MerchantDefault,
}

impl CashBalanceParameters {
    /// Checks that nothing is asked which no customer could be shown to have.
    ///
    /// # Errors
    /// When the balance is to be used in a way of its own.
    pub fn check(&self) -> Result<(), ApiError> {
        let mode = self.settings.as_ref().and_then(|settings| settings.reconciliation_mode);
        match mode {
            None | Some(ReconciliationMode::MerchantDefault) => Ok(()),
            Some(_) => Err(ApiError::ParameterInvalid {
                param: "cash_balance[settings][reconciliation_mode]".to_owned(),
                message:
                    "Customers have no cash balance, so that its reconciliation mode can only \
                          be `merchant_default`."
                        .to_owned(),
            }),
        }
    }
}

/// Puts their tax into each of these that is a customer without it, all read in one batch.
///
/// # Errors
/// When the database does not answer, or a row cannot be read.
pub async fn embed<P: Platform>(
    call: &Call<'_, P>,
    objects: Vec<&mut Value>,
) -> Result<(), Failure> {
    let customers: Vec<_> = objects
        .into_iter()
        .filter_map(Value::as_object_mut)
        .filter(|fields| fields.get("object").is_some_and(|object| object == "customer"))
        .filter(|fields| !fields.contains_key("deleted") && !fields.contains_key("tax"))
        .filter_map(|fields| {
            let statement =
                store::customers::find(&call.context.scope, fields.get("id")?.as_str()?);
            Some((fields, statement))
        })
        .collect();
    if customers.is_empty() {
        return Ok(());
    }
    let statements = customers.iter().map(|(_, statement)| statement.clone()).collect();
    let results = call.context.batch(statements).await?;
    for ((fields, _), rows) in customers.into_iter().zip(&results) {
        let customer = rows.first().map(Customer::try_from).transpose()?;
        fields.insert("tax".to_owned(), shown(customer.as_ref()));
    }
    Ok(())
}

fn shown(customer: Option<&Customer>) -> Value {
    json!({
        "automatic_tax": "not_collecting",
        "ip_address": customer.and_then(|customer| customer.details.tax_ip_address.as_deref()),
        "location": null,
        "provider": "stripe",
    })
}
