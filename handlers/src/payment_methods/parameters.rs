//! The parameters in which a request brings a card along.

use domain::metadata::MetadataUpdate;
use domain::payment_method::{AllowRedisplay, BillingDetails};
use domain::{ApiError, Metadata};
use flows::cards::CardInput;
use flows::payment_methods::{CardSource, Choice, NewCard};
use serde::Deserialize;
use serde_json::Value;

/// A card that a payment brings along.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PaymentMethodData {
    r#type: PaymentMethodType,
    allow_redisplay: Option<AllowRedisplay>,
    billing_details: Option<BillingDetails>,
    card: Option<CardParameters>,
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
    /// Accepted and not needed.
    #[expect(dead_code, reason = "accepted and not needed")]
    radar_options: Option<Value>,
}

/// Only cards are taken so far.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PaymentMethodType {
    /// A payment card.
    Card,
}

/// A card by its number, or by a token that stands for it.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CardParameters {
    cvc: Option<String>,
    exp_month: Option<i64>,
    exp_year: Option<i64>,
    /// Accepted and not needed.
    #[expect(dead_code, reason = "accepted and not needed")]
    networks: Option<Value>,
    number: Option<String>,
    token: Option<String>,
}

impl CardParameters {
    /// Where the card's data comes from; `scope` is the parameter that holds it.
    ///
    /// # Errors
    /// When the number or its expiry is missing.
    pub fn source(&self, scope: &str) -> Result<CardSource, ApiError> {
        if let Some(token) = &self.token {
            return Ok(CardSource::Token(token.clone()));
        }
        let missing =
            |field: &str| ApiError::MissingParameter { param: format!("{scope}[{field}]") };
        Ok(CardSource::Number(CardInput {
            number: self.number.clone().ok_or_else(|| missing("number"))?,
            exp_month: self.exp_month.ok_or_else(|| missing("exp_month"))?,
            exp_year: self.exp_year.ok_or_else(|| missing("exp_year"))?,
            cvc: self.cvc.clone(),
        }))
    }
}

/// The payment method that a request means by its two parameters.
///
/// # Errors
/// When it gives both, or half a card.
pub fn choice(
    named: Option<&str>,
    data: Option<&PaymentMethodData>,
) -> Result<Option<Choice>, ApiError> {
    match (named, data) {
        (None, None) => Ok(None),
        (Some(name), None) => Ok(Some(Choice::Named(name.to_owned()))),
        (None, Some(data)) => data
            .new_card("payment_method_data[card]", "payment_method_data[billing_details][email]")
            .map(|card| Some(Choice::New(Box::new(card)))),
        (Some(_), Some(_)) => Err(ApiError::ParametersExclusive {
            param: "payment_method_data".to_owned(),
            message: "You may only specify one of these parameters: payment_method, \
                      payment_method_data."
                .to_owned(),
        }),
    }
}

impl PaymentMethodData {
    /// The card that it holds; `scope` is the parameter with the card's data, and `email` that with its
    /// holder's address for mail.
    ///
    /// # Errors
    /// When it is half a card.
    pub fn new_card(&self, scope: &'static str, email: &str) -> Result<NewCard, ApiError> {
        let PaymentMethodType::Card = self.r#type;
        let card = self
            .card
            .as_ref()
            .ok_or_else(|| ApiError::MissingParameter { param: scope.to_owned() })?;
        let billing_details = self.billing_details.clone().unwrap_or_default();
        if let Some(address) = &billing_details.email
            && !domain::customer::is_email(address)
        {
            return Err(ApiError::InvalidEmail { param: email.to_owned(), email: address.clone() });
        }
        Ok(NewCard {
            scope,
            source: card.source(scope)?,
            billing_details,
            allow_redisplay: self.allow_redisplay.unwrap_or_default(),
            metadata: new_metadata(self.metadata.as_ref())?,
        })
    }
}

/// The metadata of a new object.
///
/// # Errors
/// When it breaks a bound.
pub fn new_metadata(update: Option<&MetadataUpdate>) -> Result<Metadata, ApiError> {
    match update {
        Some(update) => Metadata::default().updated(update),
        None => Ok(Metadata::default()),
    }
}
