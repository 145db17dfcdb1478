//! `POST /v1/payouts`

use domain::metadata::MetadataUpdate;
use domain::money::MAX_AMOUNT;
use domain::payout::{Method as Speed, SourceType};
use domain::resource::Json;
use domain::{Amount, ApiError, Money, Patch};
use flows::{Failure, Platform, descriptors, payouts};
use serde::Deserialize;

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::payment_intents::parameters::currency;
use crate::payment_methods::parameters::new_metadata;

/// Pays money out to the merchant's bank.
pub struct Create;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Minor units.
    amount: i64,
    /// The currency.
    currency: String,
    /// For people.
    #[serde(default)]
    description: Patch<String>,
    /// The bank account; the currency's default unless said.
    destination: Option<String>,
    /// The merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
    /// How fast it goes.
    #[serde(default)]
    method: Speed,
    /// What kind of payment brought the money.
    #[serde(default)]
    source_type: SourceType,
    /// What the bank's statement says.
    #[serde(default)]
    statement_descriptor: Patch<String>,
}

/// Money that is to move between balances and banks.
///
/// # Errors
/// When it is none, has more than eight digits, or is no amount of its currency.
pub(crate) fn money(minor_units: i64, code: &str) -> Result<Money, ApiError> {
    if minor_units < 1 {
        return Err(ApiError::AmountNotPositive { param: "amount".to_owned() });
    }
    let currency = currency(code)?;
    let amount = Amount::new(minor_units).ok().filter(|amount| amount.minor_units() <= MAX_AMOUNT);
    let amount = amount.ok_or(ApiError::AmountTooLarge { currency })?;
    if !currency.allows(amount) {
        return Err(ApiError::AmountNotMultiple { currency, param: "amount" });
    }
    Ok(Money { amount, currency })
}

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/payouts";
    const RESOURCE: &'static str = "payout";
    type Parameters = Parameters;
    type Input = payouts::Create;

    fn check(parameters: Parameters) -> Result<payouts::Create, ApiError> {
        let Money { amount, currency } = money(parameters.amount, &parameters.currency)?;
        if parameters.amount.checked_rem(currency.payout_multiple()) != Some(0) {
            return Err(ApiError::PayoutNotMultiple { currency });
        }
        let statement_descriptor = parameters.statement_descriptor.into_option();
        descriptors::check("statement_descriptor", statement_descriptor.as_deref())?;
        Ok(payouts::Create {
            amount,
            currency,
            description: parameters.description.into_option(),
            destination: parameters.destination,
            metadata: new_metadata(parameters.metadata.as_ref())?,
            method: parameters.method,
            source_type: parameters.source_type,
            statement_descriptor,
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        Ok(show(&payouts::create(&call.context, &input).await?))
    }
}
