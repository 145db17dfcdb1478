//! The parameters of a new refund, under whichever path it is made.

use domain::metadata::MetadataUpdate;
use domain::refund::Reason;
use domain::{ApiError, Patch};
use flows::refunds::Create;
use serde::Deserialize;

use crate::payment_intents::parameters::{check_email, currency};
use crate::payment_methods::parameters::new_metadata;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Minor units; all that is left unless said.
    #[serde(default, deserialize_with = "domain::patch::named")]
    amount: Option<i64>,
    /// The charge.
    charge: Option<String>,
    /// The charge's currency.
    currency: Option<String>,
    /// Whose balance is refunded; customers have none.
    customer: Option<String>,
    /// Where the customer is told how to get it.
    #[serde(default)]
    instructions_email: Patch<String>,
    /// The merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
    /// Whether a customer's balance is refunded.
    origin: Option<Origin>,
    /// The intent whose charge is meant.
    payment_intent: Option<String>,
    /// Why.
    reason: Option<Reason>,
    /// Whether a platform gives its part back, too.
    refund_application_fee: Option<bool>,
    /// Whether a connected account gives its part back.
    reverse_transfer: Option<bool>,
}

/// What is refunded other than a charge.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum Origin {
    CustomerBalance,
}

impl Parameters {
    /// The refund that is asked for, of the charge in the path where there is one.
    ///
    /// # Errors
    /// When a parameter cannot be right, or asks for what Florin does not have.
    pub fn create(self, names_charge_in_path: bool) -> Result<Create, ApiError> {
        if names_charge_in_path && self.charge.is_some() {
            return Err(ApiError::UnknownParameter { param: "charge".to_owned() });
        }
        if !names_charge_in_path && self.charge.is_none() && self.payment_intent.is_none() {
            return Err(ApiError::MissingOneOf {
                message: "One of the following params should be provided for this request: \
                          payment_intent or charge."
                    .to_owned(),
                param: "payment_intent".to_owned(),
            });
        }
        if self.amount.is_some_and(|amount| amount < 1) {
            return Err(ApiError::AmountNotPositive { param: "amount".to_owned() });
        }
        self.check_unsupported()?;
        Ok(Create {
            amount: self.amount,
            charge: self.charge,
            charge_in_path: names_charge_in_path,
            currency: self.currency.as_deref().map(currency).transpose()?,
            instructions_email: check_email("instructions_email", &self.instructions_email)?
                .into_option(),
            metadata: new_metadata(self.metadata.as_ref())?,
            payment_intent: self.payment_intent,
            reason: self.reason,
        })
    }

    /// What no refund of this deployment gives back.
    fn check_unsupported(&self) -> Result<(), ApiError> {
        let unsupported = [
            (self.customer.is_some(), "customer", "Customers have no balance to refund from."),
            (self.origin.is_some(), "origin", "Customers have no balance to refund from."),
            (
                self.refund_application_fee == Some(true),
                "refund_application_fee",
                "Application fees are not given back with refunds: the platform keeps them.",
            ),
            (
                self.reverse_transfer == Some(true),
                "reverse_transfer",
                "The charge has no associated transfer to reverse.",
            ),
        ];
        match unsupported.into_iter().find(|(given, ..)| *given) {
            Some((_, param, message)) => Err(ApiError::ParameterInvalid {
                param: param.to_owned(),
                message: message.to_owned(),
            }),
            None => Ok(()),
        }
    }
}
