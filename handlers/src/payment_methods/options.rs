//! `payment_method_options`: options by kind of payment method.
//!
//! Clients name options of every kind that they know, whichever is then used. Those of cards are read;
//! those of the other kinds that Stripe knows mean nothing here, where cards alone are offered.

use std::fmt;
use std::marker::PhantomData;

use domain::Patch;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Options by kind of payment method, of which those for cards are `C`.
#[derive(Clone, Debug, Default)]
pub struct PaymentMethodOptions<C> {
    /// Options for cards.
    pub card: Patch<C>,
}

/// The options that one parameter has for cards.
pub trait CardOptions {
    /// The other kinds for which the same parameter has options in Stripe's API.
    fn other_kinds() -> impl Iterator<Item = &'static str>;
}

impl<'de, C: CardOptions + Deserialize<'de>> Deserialize<'de> for PaymentMethodOptions<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OptionsVisitor(PhantomData))
    }
}

struct OptionsVisitor<C>(PhantomData<C>);

impl<'de, C: CardOptions + Deserialize<'de>> Visitor<'de> for OptionsVisitor<C> {
    type Value = PaymentMethodOptions<C>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("options by kind of payment method")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut card = Patch::Keep;
        while let Some(kind) = map.next_key::<String>()? {
            if kind == "card" {
                card = map.next_value()?;
            } else if C::other_kinds().any(|known| known == kind) {
                map.next_value::<IgnoredAny>()?;
            } else {
                return Err(A::Error::unknown_field(&kind, &[]));
            }
        }
        Ok(PaymentMethodOptions { card })
    }
}

#[cfg(feature = "openapi")]
impl<C: CardOptions + schemars::JsonSchema> schemars::JsonSchema for PaymentMethodOptions<C> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("PaymentMethodOptions_{}", C::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut properties = serde_json::Map::new();
        for kind in C::other_kinds() {
            properties.insert(kind.to_owned(), serde_json::json!({ "type": "object" }));
        }
        let card = generator.subschema_for::<Patch<C>>().to_value();
        properties.insert("card".to_owned(), card);
        schemars::json_schema!({
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        })
    }
}
