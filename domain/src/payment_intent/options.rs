//! What a merchant may choose about a payment.

use serde::{Deserialize, Serialize};

use crate::payment_method::Address;

/// When the money is taken from the card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CaptureMethod {
    /// With the authorisation.
    Automatic,
    /// With the authorisation, its bookkeeping perhaps later.
    #[default]
    AutomaticAsync,
    /// When the merchant says so.
    Manual,
}

/// Who confirms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConfirmationMethod {
    /// The customer's browser or the merchant's server.
    #[default]
    Automatic,
    /// The merchant's server only.
    Manual,
}

/// Whether the card is to be kept for later payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SetupFutureUsage {
    /// Also for payments in which the cardholder takes no part.
    OffSession,
    /// For payments in which the cardholder takes part.
    OnSession,
}

/// Whether the card is to be kept for later payments, as the options for cards say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CardFutureUsage {
    /// It is not, whatever the intent says.
    None,
    /// Also for payments in which the cardholder takes no part.
    OffSession,
    /// For payments in which the cardholder takes part.
    OnSession,
}

impl CardFutureUsage {
    /// For which later payments the card is kept.
    pub fn usage(self) -> Option<SetupFutureUsage> {
        match self {
            Self::None => None,
            Self::OffSession => Some(SetupFutureUsage::OffSession),
            Self::OnSession => Some(SetupFutureUsage::OnSession),
        }
    }
}

/// The network that a merchant would have a card charged by, where it is on several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are Stripe's")]
pub enum CardNetwork {
    Amex,
    CartesBancaires,
    Diners,
    Discover,
    EftposAu,
    Girocard,
    Interac,
    Jcb,
    Link,
    Mastercard,
    Unionpay,
    Unknown,
    Visa,
}

/// A part of a payment's options that a merchant asks for where the card allows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Requested {
    /// Where the card allows it.
    IfAvailable,
    /// Never.
    #[default]
    Never,
}

/// When a 3-D Secure challenge is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RequestThreeDSecure {
    /// Where the card demands it.
    #[default]
    Automatic,
    /// Where the card knows it.
    Any,
    /// Where the card knows it, with a challenge.
    Challenge,
}

/// Where the goods go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Shipping {
    /// Where to.
    pub address: Option<Address>,
    /// Who brings them.
    pub carrier: Option<String>,
    /// Who gets them.
    pub name: Option<String>,
    /// With its extension.
    pub phone: Option<String>,
    /// The carrier's number.
    pub tracking_number: Option<String>,
}

/// How payment methods are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct AutomaticPaymentMethods {
    /// Whether Florin offers what the account has enabled.
    pub enabled: bool,
    /// Whether methods that send the customer to another page are among them.
    pub allow_redirects: AllowRedirects,
}

/// Whether the customer may be sent to another page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AllowRedirects {
    /// They may, so that a `return_url` is needed.
    #[default]
    Always,
    /// They may not.
    Never,
}

/// Options of a card payment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CardOptions {
    /// Overrides the intent's capture method for cards.
    pub capture_method: Option<CaptureMethod>,
    /// Whether the cardholder may pay in instalments.
    pub installments_enabled: Option<bool>,
    /// By which network the card is to be charged.
    pub network: Option<CardNetwork>,
    /// Whether the money may be held for longer.
    pub request_extended_authorization: Option<Requested>,
    /// Whether the authorisation may be raised.
    pub request_incremental_authorization: Option<Requested>,
    /// Whether the money may be taken in several parts.
    pub request_multicapture: Option<Requested>,
    /// Whether more may be taken than is held.
    pub request_overcapture: Option<Requested>,
    /// When a challenge is asked for.
    pub request_three_d_secure: Option<RequestThreeDSecure>,
    /// Whether a card that a customer keeps is to be used with its security code.
    pub require_cvc_recollection: Option<bool>,
    /// Overrides the intent's for cards.
    pub setup_future_usage: Option<CardFutureUsage>,
    /// What the cardholder reads, in Kana.
    pub statement_descriptor_suffix_kana: Option<String>,
    /// What the cardholder reads, in Kanji.
    pub statement_descriptor_suffix_kanji: Option<String>,
}
