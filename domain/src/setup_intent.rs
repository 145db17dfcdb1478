//! Setup intents: a customer keeps a card, and nothing is charged yet.
//!
//! A card is set up in the request that asks for it, so every setup intent that is kept succeeded.

use serde::{Deserialize, Serialize};

use crate::id::{CustomerId, PaymentMethodId, SetupIntentId};
use crate::metadata::Metadata;
use crate::payment_intent::{
    AutomaticPaymentMethods, CardNetwork, RequestThreeDSecure, SetupFutureUsage,
};
use crate::timestamp::Timestamp;

/// A card that a customer keeps from here on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupIntent {
    /// Its identifier.
    pub id: SetupIntentId,
    /// Whether it is about real money.
    pub livemode: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Who keeps the card.
    pub customer: CustomerId,
    /// The card.
    pub payment_method: PaymentMethodId,
    /// What is only echoed.
    pub details: Details,
}

/// What of a setup intent is only echoed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// By which a customer's browser may ask for it.
    pub client_secret: String,
    /// For people.
    pub description: Option<String>,
    /// The merchant's own pairs.
    pub metadata: Metadata,
    /// How methods are offered, unless the merchant named them.
    pub automatic_payment_methods: Option<AutomaticPaymentMethods>,
    /// For which payments the card is kept.
    pub usage: SetupFutureUsage,
    /// What else was chosen for cards.
    #[serde(default)]
    pub card_options: CardOptions,
}

/// Options for cards that are set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardOptions {
    /// By which network the card is to be charged.
    pub network: Option<CardNetwork>,
    /// When a challenge is asked for.
    pub request_three_d_secure: Option<RequestThreeDSecure>,
}
