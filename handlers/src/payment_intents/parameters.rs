//! The parameters that creating, updating and confirming an intent share.

use std::fmt;

use domain::id::{CustomerId, Id};
use domain::money::Currency;
use domain::payment_intent::{AmountDetailsUpdate, OrderUpdate, PaymentDetailsUpdate};
use domain::{ApiError, Patch};
use flows::payment_intents::no_such_customer;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// Defines the parameters of an endpoint: its own, and those that it shares with the others.
macro_rules! intent_parameters {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(serde::Deserialize)]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* $field: $type,)*
            /// The name of `payment_method_types` since 2026-09-30.
            allowed_payment_method_types: Option<Vec<String>>,
            /// The parts of the amount.
            #[serde(default)]
            amount_details: domain::Patch<domain::payment_intent::AmountDetailsUpdate>,
            /// When the money is taken.
            capture_method: Option<domain::payment_intent::CaptureMethod>,
            /// Kinds of payment methods that are not offered.
            #[serde(default)]
            excluded_payment_method_types: domain::Patch<Vec<String>>,
            /// Accepted and not needed: there is no tax calculation to name.
            #[expect(dead_code, reason = "accepted and not needed")]
            hooks: Option<serde_json::Value>,
            /// Accepted and not needed for cards.
            #[expect(dead_code, reason = "accepted and not needed for cards")]
            mandate_data: Option<serde_json::Value>,
            /// What the payment is called elsewhere.
            #[serde(default)]
            payment_details: domain::Patch<domain::payment_intent::PaymentDetailsUpdate>,
            /// With what is paid.
            #[serde(default)]
            payment_method: domain::Patch<String>,
            /// A card to pay with.
            payment_method_data: Option<crate::payment_methods::parameters::PaymentMethodData>,
            /// Options by kind of payment method.
            payment_method_options: Option<
                crate::payment_methods::options::PaymentMethodOptions<
                    crate::payment_intents::card_options::CardParameters,
                >,
            >,
            /// Kinds of payment methods that are offered.
            payment_method_types: Option<Vec<String>>,
            /// Accepted and not needed.
            #[expect(dead_code, reason = "accepted and not needed")]
            radar_options: Option<serde_json::Value>,
            /// Where the receipt goes.
            #[serde(default)]
            receipt_email: domain::Patch<String>,
            /// Whether the card is kept for later, and for what.
            #[serde(default)]
            setup_future_usage: domain::Patch<domain::payment_intent::SetupFutureUsage>,
            /// Where the goods go.
            #[serde(default)]
            shipping: domain::Patch<crate::shipping::ShippingParameters>,
        }

        impl $name {
            /// What the shared parameters ask to change.
            fn shared(&self) -> Result<flows::payment_intents::Changes, domain::ApiError> {
                use crate::payment_intents::parameters as shared;
                let types = self
                    .allowed_payment_method_types
                    .as_deref()
                    .or(self.payment_method_types.as_deref());
                let order = shared::order(&self.amount_details, &self.payment_details)?;
                Ok(flows::payment_intents::Changes {
                    payment_method: crate::payment_methods::parameters::choice(
                        self.payment_method.as_set().map(String::as_str),
                        self.payment_method_data.as_ref(),
                    )?,
                    clears_payment_method: matches!(self.payment_method, domain::Patch::Clear),
                    capture_method: self.capture_method,
                    card_options: match &self.payment_method_options {
                        Some(options) => crate::payment_intents::card_options::changes(options)?,
                        None => domain::Patch::Keep,
                    },
                    excluded_payment_method_types: self.excluded_payment_method_types.clone(),
                    order,
                    payment_method_types: shared::check_types(types)?,
                    receipt_email: shared::check_email("receipt_email", &self.receipt_email)?,
                    setup_future_usage: self.setup_future_usage.clone(),
                    shipping: self.shipping.clone().map(domain::payment_intent::Shipping::from),
                    ..flows::payment_intents::Changes::default()
                })
            }
        }
    };
}

/// Adds what creating and updating share beyond [`intent_parameters`].
macro_rules! describe {
    ($changes:ident, $parameters:ident) => {
        $changes.customer =
            $crate::payment_intents::parameters::customer($parameters.customer.as_deref())?;
        $changes.application_fee_amount = $parameters.application_fee_amount;
        $crate::payment_intents::parameters::check_description($parameters.description.as_set())?;
        $crate::payment_intents::parameters::refuse_descriptor(
            $parameters.statement_descriptor.as_set(),
        )?;
        $changes.description = $parameters.description;
        $changes.metadata = $parameters.metadata;
        $changes.statement_descriptor = $parameters.statement_descriptor;
        $changes.statement_descriptor_suffix = $parameters.statement_descriptor_suffix;
        $changes.transfer_group = $parameters.transfer_group;
    };
}

pub(super) use {describe, intent_parameters};

/// Whether the cardholder takes no part, or why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffSession {
    /// They take part.
    No,
    /// They do not.
    Yes,
}

impl OffSession {
    /// Whether they take no part.
    pub fn holds(self) -> bool {
        self == Self::Yes
    }
}

impl<'de> Deserialize<'de> for OffSession {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OffSessionVisitor)
    }
}

#[cfg(feature = "openapi")]
impl schemars::JsonSchema for OffSession {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OffSession".into()
    }

    fn json_schema(_generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "anyOf": [{ "type": "boolean" }, { "type": "string", "enum": ["one_off", "recurring"] }],
        })
    }
}

struct OffSessionVisitor;

impl Visitor<'_> for OffSessionVisitor {
    type Value = OffSession;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("true, false, one_off or recurring")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<OffSession, E> {
        match text {
            "true" | "one_off" | "recurring" => Ok(OffSession::Yes),
            "false" => Ok(OffSession::No),
            _ => Err(E::custom(format!("Invalid boolean: {text}"))),
        }
    }
}

/// Reads a currency.
///
/// # Errors
/// When Florin does not take it.
pub fn currency(code: &str) -> Result<Currency, ApiError> {
    Currency::parse(code).map_err(|unknown| ApiError::UnknownCurrency {
        currency: unknown.0.chars().take(20).collect(),
    })
}

/// What a request says of what is paid for.
///
/// # Errors
/// When a part of the amount is negative, or a postal code too long.
pub fn order(
    amount_details: &Patch<AmountDetailsUpdate>,
    payment_details: &Patch<PaymentDetailsUpdate>,
) -> Result<OrderUpdate, ApiError> {
    let order = OrderUpdate {
        amount_details: amount_details.clone(),
        payment_details: payment_details.clone(),
    };
    order.check()?;
    Ok(order)
}

/// What a cardholder reads is the merchant's own descriptor, to which a payment adds its suffix
/// (<https://docs.stripe.com/get-started/account/statement-descriptors>).
///
/// # Errors
/// When there is a descriptor for the payment.
pub fn refuse_descriptor(descriptor: Option<&String>) -> Result<(), ApiError> {
    if descriptor.is_none() {
        return Ok(());
    }
    Err(ApiError::ParameterInvalid {
        param: "statement_descriptor".to_owned(),
        message: "The statement_descriptor parameter is not supported for the payment_method_type \
                  `card`. To continue supporting payment_method_type `card`, please pass in \
                  `statement_descriptor_suffix` or remove the `statement_descriptor` parameter \
                  altogether."
            .to_owned(),
    })
}

/// Checks the mandate that a payment is to rest on.
///
/// # Errors
/// When one is named: cards are charged without mandates, so that there is none.
pub fn refuse_mandate(mandate: Option<&String>) -> Result<(), ApiError> {
    let Some(id) = mandate else { return Ok(()) };
    Err(ApiError::NoSuchObject {
        kind: "mandate",
        id: id.clone(),
        param: "mandate".to_owned(),
        in_path: false,
    })
}

/// Reads a customer's id.
///
/// # Errors
/// When no customer can have it.
pub fn customer(id: Option<&str>) -> Result<Option<CustomerId>, ApiError> {
    id.map(|id| CustomerId::parse(id).map_err(|_| no_such_customer(id))).transpose()
}

/// Only cards are taken so far.
///
/// # Errors
/// When another kind is named, or none.
pub fn check_types(types: Option<&[String]>) -> Result<Option<Vec<String>>, ApiError> {
    let Some(types) = types else { return Ok(None) };
    let problem = match types.iter().find(|kind| *kind != "card") {
        Some(kind) => format!(
            "The payment method type \"{kind}\" is invalid. Please ensure the provided type is \
             activated in your dashboard and your account is enabled for any preview features that \
             you are trying to use."
        ),
        None if types.is_empty() => "At least one payment method type is needed.".to_owned(),
        None => return Ok(Some(vec!["card".to_owned()])),
    };
    Err(ApiError::ParameterInvalid { param: "payment_method_types".to_owned(), message: problem })
}

/// Checks what an intent is for, in the merchant's words.
///
/// # Errors
/// When it is too long.
pub fn check_description(text: Option<&String>) -> Result<(), ApiError> {
    check_length("description", text, 1_000)
}

/// Checks how many characters a text has.
///
/// # Errors
/// When they are more than the limit.
pub fn check_length(param: &str, text: Option<&String>, limit: usize) -> Result<(), ApiError> {
    let length = text.map_or(0, |text| text.chars().count());
    if length > limit {
        return Err(ApiError::StringTooLong { param: param.to_owned(), length, limit });
    }
    Ok(())
}

/// An address for mail has one `@` with something before it and a domain after it.
///
/// # Errors
/// When it cannot be one.
pub fn check_email(
    param: &str,
    email: &domain::Patch<String>,
) -> Result<domain::Patch<String>, ApiError> {
    if let Some(address) = email.as_set()
        && !domain::customer::is_email(address)
    {
        return Err(ApiError::InvalidEmail { param: param.to_owned(), email: address.clone() });
    }
    Ok(email.clone())
}

/// A cardholder can be sent to a web address or to an app's own; never to something that runs.
///
/// # Errors
/// When it is neither.
pub fn check_return_url(url: Option<&str>) -> Result<Option<String>, ApiError> {
    let Some(url) = url else { return Ok(None) };
    let invalid = || ApiError::InvalidUrl { param: "return_url".to_owned() };
    let (scheme, rest) = url.split_once("://").ok_or_else(invalid)?;
    let plain = url.bytes().all(|byte| byte.is_ascii_graphic());
    let named = scheme.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let runs = ["javascript", "data", "vbscript", "file"]
        .iter()
        .any(|scheme_that_runs| scheme.eq_ignore_ascii_case(scheme_that_runs));
    // An app's own scheme may be followed by anything; a website has a host that every part of ours reads alike.
    let is_web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    let leads = !is_web || web_origin(url).is_some();
    if plain && named && !runs && !rest.is_empty() && leads && url.len() <= 2_048 {
        Ok(Some(url.to_owned()))
    } else {
        Err(invalid())
    }
}

/// Where a web address leads, as `https://shop.example.com:8443`; nothing where its host has characters that
/// no host has.
pub fn web_origin(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    let host = uri.host().filter(|host| !host.is_empty())?;
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    host.bytes()
        .all(is_host)
        .then(|| format!("{}://{host}{port}", uri.scheme_str().unwrap_or("https")))
}
