//! The `created` filter of lists: a second, or bounds.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use store::list::END_OF_TIME;

/// The first and the last second that are wanted, since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Created {
    /// No object made before.
    pub from: i64,
    /// No object made after.
    pub to: i64,
}

impl Default for Created {
    fn default() -> Self {
        Self { from: 0, to: END_OF_TIME }
    }
}

/// Bounds in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// After.
    pub gt: Option<i64>,
    /// Then or after.
    pub gte: Option<i64>,
    /// Before.
    pub lt: Option<i64>,
    /// Then or before.
    pub lte: Option<i64>,
}

impl From<Bounds> for Created {
    fn from(bounds: Bounds) -> Self {
        let after = bounds.gt.map(|second| second.saturating_add(1));
        let before = bounds.lt.map(|second| second.saturating_sub(1));
        let earliest = after.max(bounds.gte).unwrap_or(0);
        let latest = match (before, bounds.lte) {
            (Some(before), Some(then)) => before.min(then),
            (Some(second), None) | (None, Some(second)) => second,
            (None, None) => END_OF_TIME,
        };
        Self { from: earliest.clamp(0, END_OF_TIME), to: latest.clamp(-1, END_OF_TIME) }
    }
}

impl<'de> Deserialize<'de> for Created {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecondOrBounds)
    }
}

#[cfg(feature = "openapi")]
impl schemars::JsonSchema for Created {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Created".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "anyOf": [{ "type": "integer" }, generator.subschema_for::<Bounds>()],
        })
    }
}

struct SecondOrBounds;

impl<'de> Visitor<'de> for SecondOrBounds {
    type Value = Created;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a second since the Unix epoch, or bounds")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Created, E> {
        let second: i64 =
            text.parse().map_err(|_| E::invalid_value(Unexpected::Other(text), &self))?;
        Ok(Created::from(Bounds { gte: Some(second), lte: Some(second), ..Bounds::default() }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Created, A::Error> {
        Bounds::deserialize(MapAccessDeserializer::new(map)).map(Created::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_meet() {
        let bounds = Bounds { gt: Some(5), gte: Some(3), lt: Some(10), lte: Some(20) };
        assert_eq!(Created::from(bounds), Created { from: 6, to: 9 });
        assert_eq!(Created::from(Bounds::default()), Created::default());
    }
}
