//! The `token` object, and the legacy `card` object behind it.

use serde::Serialize;

use super::{Constant, bank_account};
use crate::card::{Card, Check, Funding};
use crate::metadata::Metadata;
use crate::payment_method::BillingDetails;
use crate::timestamp::Timestamp;
use crate::token::{BankAccountToken, Token};

/// The `token` object (<https://docs.stripe.com/api/tokens/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "token"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank_account: Option<bank_account::Resource<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<CardResource<'a>>,
    pub client_ip: Option<&'a str>,
    pub created: Timestamp,
    pub livemode: bool,
    pub r#type: Constant,
    pub used: bool,
}

/// The legacy `card` object (<https://docs.stripe.com/api/cards/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "card"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct CardResource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub address_city: Option<&'a str>,
    pub address_country: Option<&'a str>,
    pub address_line1: Option<&'a str>,
    pub address_line1_check: Option<Check>,
    pub address_line2: Option<&'a str>,
    pub address_state: Option<&'a str>,
    pub address_zip: Option<&'a str>,
    pub address_zip_check: Option<Check>,
    pub allow_redisplay: Constant,
    pub brand: Constant,
    pub country: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<&'a str>,
    pub cvc_check: Option<Check>,
    pub dynamic_last4: Option<&'a str>,
    pub exp_month: u8,
    pub exp_year: u16,
    pub fingerprint: &'a str,
    pub funding: Funding,
    pub last4: &'a str,
    pub metadata: Metadata,
    pub name: Option<&'a str>,
    pub regulated_status: Constant,
    pub tokenization_method: Option<&'a str>,
}

impl<'a> CardResource<'a> {
    /// The card `id` of a holder, and the customer that keeps it.
    pub fn new(
        id: &'a str,
        card: &'a Card,
        holder: &'a BillingDetails,
        customer: Option<&'a str>,
    ) -> Self {
        let address = holder.address.as_ref();
        Self {
            id,
            object: "card",
            address_city: address.and_then(|a| a.city.as_deref()),
            address_country: address.and_then(|a| a.country.as_deref()),
            address_line1: address.and_then(|a| a.line1.as_deref()),
            address_line1_check: card.checks.address_line1_check,
            address_line2: address.and_then(|a| a.line2.as_deref()),
            address_state: address.and_then(|a| a.state.as_deref()),
            address_zip: address.and_then(|a| a.postal_code.as_deref()),
            address_zip_check: card.checks.address_postal_code_check,
            allow_redisplay: "unspecified",
            brand: card.brand.title(),
            country: card.country.as_deref(),
            customer,
            cvc_check: card.checks.cvc_check,
            dynamic_last4: None,
            exp_month: card.exp_month,
            exp_year: card.exp_year,
            fingerprint: &card.fingerprint,
            funding: card.funding,
            last4: &card.last4,
            metadata: Metadata::default(),
            name: holder.name.as_deref(),
            regulated_status: "unregulated",
            tokenization_method: None,
        }
    }
}

impl<'a> From<&'a Token> for Resource<'a> {
    fn from(token: &'a Token) -> Self {
        Self {
            id: token.id.as_str(),
            object: "token",
            bank_account: None,
            card: Some(CardResource::new(
                token.card_id.as_str(),
                &token.card,
                &token.billing_details,
                None,
            )),
            client_ip: token.client_ip.as_deref(),
            created: token.created,
            livemode: token.livemode,
            r#type: "card",
            used: token.used,
        }
    }
}

impl<'a> From<&'a BankAccountToken> for Resource<'a> {
    fn from(token: &'a BankAccountToken) -> Self {
        Self {
            id: token.id.as_str(),
            object: "token",
            bank_account: Some(bank_account::Resource::from(&token.bank_account)),
            card: None,
            client_ip: token.client_ip.as_deref(),
            created: token.created,
            livemode: token.livemode,
            r#type: "bank_account",
            used: token.used,
        }
    }
}
