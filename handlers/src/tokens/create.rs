//! `POST /v1/tokens`

use domain::ApiError;
use domain::bank_account::Details;
use domain::money::Currency;
use domain::payment_method::{Address, BillingDetails};
use domain::resource::{self, Json, json};
use flows::cards::CardInput;
use flows::{Failure, Platform, tokens};
use serde::Deserialize;
use serde_json::Value;

use crate::endpoint::{Call, Endpoint, Method};
use crate::external_accounts::create::Number;

/// Creates a token for a card or a bank account.
pub struct Create;

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The bank account that it stands for.
    bank_account: Option<Number>,
    /// The card that it stands for.
    card: Option<CardParameters>,
}

/// What a token is to stand for.
pub enum Input {
    /// A card, and its holder.
    Card(CardParameters),
    /// A bank account, and the currency that it takes.
    BankAccount(Details, Currency),
}

/// A card, with its holder's data beside it as the legacy API has them.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CardParameters {
    address_city: Option<String>,
    address_country: Option<String>,
    address_line1: Option<String>,
    address_line2: Option<String>,
    address_state: Option<String>,
    address_zip: Option<String>,
    /// Accepted and not needed: it is for cards that are paid out to.
    #[expect(dead_code, reason = "accepted and not needed")]
    currency: Option<String>,
    cvc: Option<String>,
    exp_month: i64,
    exp_year: i64,
    name: Option<String>,
    /// Accepted and not needed.
    #[expect(dead_code, reason = "accepted and not needed")]
    networks: Option<Value>,
    number: String,
}

impl CardParameters {
    /// The card, and whom its bill goes to.
    fn split(self) -> (CardInput, BillingDetails) {
        let address = Address {
            city: self.address_city,
            country: self.address_country,
            line1: self.address_line1,
            line2: self.address_line2,
            postal_code: self.address_zip,
            state: self.address_state,
        };
        let address = Some(address).filter(|address| *address != Address::default());
        let card = CardInput {
            number: self.number,
            exp_month: self.exp_month,
            exp_year: self.exp_year,
            cvc: self.cvc,
        };
        (card, BillingDetails { address, name: self.name, ..BillingDetails::default() })
    }
}

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/tokens";
    const RESOURCE: &'static str = "token";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        match (parameters.card, parameters.bank_account) {
            (Some(card), None) => Ok(Input::Card(card)),
            (None, Some(number)) => {
                let (details, currency) = number.read("bank_account")?;
                Ok(Input::BankAccount(details, currency))
            }
            (Some(_), Some(_)) => Err(ApiError::ParametersExclusive {
                message: "You may only specify one of these parameters: card, bank_account."
                    .to_owned(),
                param: "bank_account".to_owned(),
            }),
            (None, None) => Err(ApiError::MissingOneOf {
                message: "You must supply either a card or a bank account to create a token."
                    .to_owned(),
                param: "card".to_owned(),
            }),
        }
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        let (context, client_ip) = (&call.context, call.client_ip.clone());
        match input {
            Input::Card(card) => {
                let (card, billing_details) = card.split();
                let create = tokens::Create { card, billing_details, client_ip };
                let token = tokens::create(context, create).await?;
                Ok(json(&resource::token::Resource::from(&token)))
            }
            Input::BankAccount(details, currency) => {
                let token =
                    tokens::create_bank_account(context, details, currency, client_ip).await?;
                Ok(json(&resource::token::Resource::from(&token)))
            }
        }
    }
}
