//! `payment_method_options[card]`: what a merchant may choose about a card that is set up.

use domain::payment_intent::{CardNetwork, RequestThreeDSecure};
use domain::setup_intent::CardOptions;
use serde::Deserialize;
use serde_json::Value;

use crate::payment_methods::options;

/// The other kinds that can be set up at Stripe and have options.
const OTHER_KINDS: &[&str] = &[
    "acss_debit",
    "amazon_pay",
    "bacs_debit",
    "bizum",
    "blik",
    "card_present",
    "klarna",
    "link",
    "paypal",
    "payto",
    "pix",
    "sepa_debit",
    "upi",
    "us_bank_account",
];

/// Options for cards.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CardParameters {
    /// Accepted and not needed.
    #[expect(dead_code, reason = "accepted and not needed")]
    mandate_options: Option<Value>,
    network: Option<CardNetwork>,
    request_three_d_secure: Option<RequestThreeDSecure>,
}

impl options::CardOptions for CardParameters {
    fn other_kinds() -> impl Iterator<Item = &'static str> {
        OTHER_KINDS.iter().copied()
    }
}

impl From<CardParameters> for CardOptions {
    fn from(parameters: CardParameters) -> Self {
        Self {
            network: parameters.network,
            request_three_d_secure: parameters.request_three_d_secure,
        }
    }
}
