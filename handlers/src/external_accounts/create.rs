//! `POST /v1/accounts/{account}/external_accounts`

use domain::resource::Json;
use std::fmt;

use domain::ApiError;
use domain::bank_account::{Details, TEST_ROUTING_NUMBER};
use domain::metadata::MetadataUpdate;
use domain::money::Currency;
use domain::payout::FailureCode;
use flows::bank_accounts::Source;
use flows::{Failure, Platform, bank_accounts};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{check_owner, show};
use crate::endpoint::{Call, Endpoint, Method};
use crate::payment_intents::parameters::currency;
use crate::payment_methods::parameters::new_metadata;

/// Names a bank account.
pub struct Create;

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Whether payouts in its currency go to it unless said otherwise.
    #[serde(default)]
    default_for_currency: bool,
    /// The bank account, or a token for one.
    external_account: ExternalAccount,
    /// The merchant's own pairs.
    #[serde(default, deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
}

/// A token, or a bank account by its number.
#[derive(Debug)]
enum ExternalAccount {
    Token(String),
    Number(Number),
}

/// A bank account by its number, also behind a token.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Number {
    /// Whose it is.
    account_holder_name: Option<String>,
    /// Whether that is a person.
    account_holder_type: Option<HolderType>,
    /// The number.
    account_number: String,
    /// Two letters.
    country: String,
    /// The currency that it takes.
    currency: String,
    /// What it is.
    #[serde(rename = "object")]
    _object: Option<Object>,
    /// The bank.
    routing_number: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum Object {
    BankAccount,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum HolderType {
    Company,
    Individual,
}

impl HolderType {
    fn name(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Individual => "individual",
        }
    }
}

impl<'de> Deserialize<'de> for ExternalAccount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TokenOrNumber)
    }
}

#[cfg(feature = "openapi")]
impl schemars::JsonSchema for ExternalAccount {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ExternalAccount".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "anyOf": [{ "type": "string" }, generator.subschema_for::<Number>()],
        })
    }
}

struct TokenOrNumber;

impl<'de> Visitor<'de> for TokenOrNumber {
    type Value = ExternalAccount;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a token, or a bank account")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ExternalAccount, E> {
        Ok(ExternalAccount::Token(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ExternalAccount, A::Error> {
        Number::deserialize(MapAccessDeserializer::new(map)).map(ExternalAccount::Number)
    }
}

impl ExternalAccount {
    fn read(self) -> Result<Source, ApiError> {
        let (details, currency) = match self {
            Self::Token(token) => match FailureCode::number_of_token(&token) {
                Some(number) => {
                    let details = Details::of_number("US", Some(TEST_ROUTING_NUMBER), number);
                    (details, currency("usd")?)
                }
                None => return Ok(Source::Token(token)),
            },
            Self::Number(number) => number.read("external_account")?,
        };
        Ok(Source::Number(details, currency))
    }
}

impl Number {
    /// What is kept of it, if the parameter of this name says what it must.
    pub(crate) fn read(self, param: &str) -> Result<(Details, Currency), ApiError> {
        let invalid = |field: &str, message: &str| ApiError::ParameterInvalid {
            param: format!("{param}[{field}]"),
            message: message.to_owned(),
        };
        let is_plain = |text: &str, most| {
            (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        if !is_plain(&self.account_number, 34) || self.account_number.len() < 4 {
            return Err(invalid("account_number", "Must be a valid bank account number."));
        }
        if self.country.len() != 2 || !is_plain(&self.country, 2) {
            return Err(invalid("country", "Country must be two letters, as 'US'."));
        }
        if self.routing_number.as_deref().is_some_and(|routing| !is_plain(routing, 12)) {
            return Err(invalid("routing_number", "Must be a valid routing number."));
        }
        let currency = currency(&self.currency)?;
        let country = self.country.to_ascii_uppercase();
        let routing_number = self.routing_number.as_deref();
        let mut details = Details::of_number(&country, routing_number, &self.account_number);
        details.account_holder_name = self.account_holder_name;
        details.account_holder_type = self.account_holder_type.map(|kind| kind.name().to_owned());
        Ok((details, currency))
    }
}

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/accounts/{account}/external_accounts";
    const RESOURCE: &'static str = "bank_account";
    type Parameters = Parameters;
    type Input = bank_accounts::Create;

    fn check(parameters: Parameters) -> Result<bank_accounts::Create, ApiError> {
        Ok(bank_accounts::Create {
            source: parameters.external_account.read()?,
            default_for_currency: parameters.default_for_currency,
            metadata: new_metadata(parameters.metadata.as_ref())?,
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure> {
        check_owner(call)?;
        Ok(show(&bank_accounts::create(&call.context, &input).await?))
    }
}
