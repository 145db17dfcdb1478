//! `POST /v1/accounts`

use domain::money::Currency;
use domain::resource::{self, Json, json};
use domain::{ApiError, Patch};
use flows::{Failure, Platform, accounts};
use serde::Deserialize;

use crate::endpoint::{Call, Endpoint, Method};
use crate::payment_intents::parameters::{check_email, currency};

/// Connects a new account to the caller's.
pub struct Create;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// What its owner does.
    business_profile: Option<BusinessProfile>,
    /// Two letters; the caller's own unless said.
    country: Option<String>,
    /// What it settles in unless said otherwise; the caller's own currency unless said.
    default_currency: Option<String>,
    /// Where its owner reads mail.
    #[serde(default)]
    email: Patch<String>,
    /// There is one type.
    #[serde(rename = "type")]
    _type: Option<Type>,
}

/// What an account's owner does.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BusinessProfile {
    /// Its name.
    name: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum Type {
    Standard,
}

/// What is asked for; what was left out is the caller's own.
pub struct Input {
    country: Option<String>,
    default_currency: Option<Currency>,
    email: Option<String>,
    name: Option<String>,
}

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/accounts";
    const RESOURCE: &'static str = "account";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        let is_country =
            |text: &String| text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic());
        if parameters.country.as_ref().is_some_and(|country| !is_country(country)) {
            return Err(ApiError::ParameterInvalid {
                param: "country".to_owned(),
                message: "Country must be two letters, as 'US'.".to_owned(),
            });
        }
        let email = check_email("email", &parameters.email)?.into_option();
        Ok(Input {
            country: parameters.country.map(|country| country.to_ascii_uppercase()),
            default_currency: parameters.default_currency.as_deref().map(currency).transpose()?,
            email,
            name: parameters.business_profile.and_then(|profile| profile.name),
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        let own = call.account;
        let create = accounts::Create {
            country: input.country.unwrap_or_else(|| own.country.clone()),
            default_currency: input.default_currency.unwrap_or(own.default_currency),
            email: input.email,
            name: input.name,
        };
        let account = accounts::create(&call.context, &create).await?;
        Ok(json(&resource::account::Resource::new(&account, Vec::new(), false)))
    }
}
