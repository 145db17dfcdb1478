//! Payment methods: a card that can be charged, and whose it is.

use serde::{Deserialize, Serialize};

use crate::card::Card;
use crate::id::{AttemptId, ConnectorAccountId, CustomerId, PaymentMethodId};
use crate::metadata::Metadata;
use crate::timestamp::Timestamp;

/// A postal address; every part is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// City, district, suburb, town or village.
    pub city: Option<String>,
    /// Two letters (ISO 3166-1 alpha-2).
    pub country: Option<String>,
    /// Street, PO box or company name.
    pub line1: Option<String>,
    /// Apartment, suite, unit or building.
    pub line2: Option<String>,
    /// ZIP or postal code.
    pub postal_code: Option<String>,
    /// State, county, province or region.
    pub state: Option<String>,
}

/// Whom the bill goes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BillingDetails {
    /// Where they live.
    pub address: Option<Address>,
    /// Where they read mail.
    pub email: Option<String>,
    /// Their full name.
    pub name: Option<String>,
    /// With its extension.
    pub phone: Option<String>,
    /// Their tax id, where a payment method needs it.
    pub tax_id: Option<String>,
}

/// Whether a saved payment method may be shown to its customer again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AllowRedisplay {
    /// Always.
    Always,
    /// Only where the customer's consent covers it.
    Limited,
    /// Nothing was said.
    #[default]
    Unspecified,
}

impl AllowRedisplay {
    /// The name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Limited => "limited",
            Self::Unspecified => "unspecified",
        }
    }
}

/// A card that can be charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentMethod {
    /// Its identifier.
    pub id: PaymentMethodId,
    /// Whether it moves real money.
    pub livemode: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Counts its changes; a change names the version that it saw.
    pub version: i64,
    /// Who keeps it; nobody until it is attached.
    pub customer: Option<CustomerId>,
    /// A payment used it and nobody keeps it, or a customer kept it before and let it go; it cannot be
    /// used again.
    pub used_up: bool,
    /// The attempt whose payment used it up, or is about to; nothing where a customer let it go.
    pub used_by: Option<AttemptId>,
    /// What may be shown of the card.
    pub card: Card,
    /// The number under the master key.
    pub sealed_number: String,
    /// The rest.
    pub details: PaymentMethodDetails,
}

/// What a processor remembers a card by, in one account there. It pays nothing without the secret of that account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The account.
    pub connector_account: ConnectorAccountId,
    /// The processor's reference of the card.
    pub card: String,
    /// Its reference of the customer who keeps the card there; while nobody does, it cannot be used again.
    pub customer: Option<String>,
    /// The card network's reference of the payment that the card was remembered with.
    pub network_transaction: Option<String>,
}

/// A card that a processor remembers, and who keeps it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessorToken {
    /// The processor's reference of the card.
    pub card: String,
    /// Its reference of the customer.
    pub customer: String,
    /// Whether the processor said that it is there no more: the card itself is sent since then.
    #[serde(default)]
    pub is_gone: bool,
    /// Whether it said so without using up the key: the card is sent under the same one.
    #[serde(default)]
    pub key_is_free: bool,
}

impl ProcessorToken {
    /// Whether the card itself is sent in its stead, under a key of its own.
    pub fn is_replaced(&self) -> bool {
        self.is_gone && !self.key_is_free
    }
}

impl PaymentMethod {
    /// By what the processor is asked for a payment in one of its accounts, where it remembers the card.
    pub fn token_at(&self, account: &ConnectorAccountId) -> Option<ProcessorToken> {
        let mut remembered = self.details.remembered.iter();
        let found = remembered.find(|found| found.connector_account == *account)?;
        let customer = found.customer.clone()?;
        Some(ProcessorToken {
            card: found.card.clone(),
            customer,
            is_gone: false,
            key_is_free: false,
        })
    }

    /// Notes what a processor remembers the card by, in the place of what it did before. Says whether that is new.
    pub fn remember(&mut self, remembered: Remembered) -> bool {
        let known = &mut self.details.remembered;
        let same = |known: &Remembered| {
            known.connector_account == remembered.connector_account && known.card == remembered.card
        };
        if known.iter().any(same) {
            return false;
        }
        known.retain(|known| known.connector_account != remembered.connector_account);
        known.push(remembered);
        true
    }
}

/// What is only echoed of a payment method.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentMethodDetails {
    /// Whom the bill goes to.
    pub billing_details: BillingDetails,
    /// Whether it may be shown to its customer again.
    pub allow_redisplay: AllowRedisplay,
    /// The merchant's own pairs.
    pub metadata: Metadata,
    /// Its holder agreed once, with proof, to payments in which they take no part.
    #[serde(default)]
    pub set_up: bool,
    /// What processors remember it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remembered: Vec<Remembered>,
}
