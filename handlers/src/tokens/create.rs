//! `POST /v1/tokens`

use domain::ApiError;
use domain::payment_method::{Address, BillingDetails};
use domain::resource::{self, value};
use flows::cards::CardInput;
use flows::{Failure, Platform, tokens};
use serde::Deserialize;
use serde_json::Value;

use crate::endpoint::{Call, Endpoint, Method};

/// Creates a token for a card.
pub struct Create;

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The card that it stands for.
    card: CardParameters,
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
    type Input = CardParameters;

    fn check(parameters: Parameters) -> Result<CardParameters, ApiError> {
        Ok(parameters.card)
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: CardParameters) -> Result<Value, Failure> {
        let (card, billing_details) = input.split();
        let create = tokens::Create { card, billing_details, client_ip: call.client_ip.clone() };
        let token = tokens::create(&call.context, create).await?;
        Ok(value(&resource::token::Resource::from(&token)))
    }
}
