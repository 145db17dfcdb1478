//! What an update asks to do with one field.
//!
//! A form has no null: Stripe's SDKs send `description=` to unset a field, leave it out to keep it,
//! and anything else sets it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::metadata::MetadataUpdate;

/// What an update asks to do with one field; the field needs `#[serde(default)]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Nothing: it was not named.
    #[default]
    Keep,
    /// Unset it: it was named without a value.
    Clear,
    /// Set it.
    Set(T),
}

impl<T> Patch<T> {
    /// Carries it out.
    pub fn apply_to(self, field: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *field = None,
            Self::Set(value) => *field = Some(value),
        }
    }

    /// Whether nothing is asked.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The new value, where there is one.
    pub fn as_set(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// The same with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(change(value)),
        }
    }

    /// The new value, where there is one: what a field that did not exist before becomes.
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }
}

/// The name by which serde's format knows that an empty text unsets a value, and is no mistake.
pub const UNSETTABLE: &str = "Named";

/// A value that was named, and is there or not.
///
/// Serde reads a missing field as `None` where its type asks for an option, but not where it asks for
/// a newtype: a field that lacks `#[serde(default)]` is thus refused as missing instead of cleared.
#[derive(Deserialize)]
struct Named<T>(Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Named(value) = Named::deserialize(deserializer)?;
        Ok(value.map_or(Self::Clear, Self::Set))
    }
}

impl<'de> Deserialize<'de> for MetadataUpdate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Named(pairs) = Named::<BTreeMap<String, Option<String>>>::deserialize(deserializer)?;
        Ok(pairs.map_or(Self::Clear, |pairs| {
            // An empty value stays one: it removes its key.
            Self::Merge(
                pairs.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect(),
            )
        }))
    }
}

/// Reads a named field as `Some`, even an empty one, for
/// `#[serde(default, deserialize_with = "domain::patch::named")]`.
///
/// An `Option<MetadataUpdate>` needs it: on its own the option takes `metadata=` for itself and reads
/// `None`, so that nothing would be cleared.
///
/// # Errors
/// When the value is none of `T`.
pub fn named<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

#[cfg(feature = "openapi")]
mod schema {
    use std::borrow::Cow;
    use std::collections::BTreeMap;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::Patch;
    use crate::metadata::MetadataUpdate;

    /// A value, or the empty text that unsets it.
    fn or_empty(value: Schema) -> Schema {
        json_schema!({ "anyOf": [value, { "type": "string", "enum": [""] }] })
    }

    impl<T: JsonSchema> JsonSchema for Patch<T> {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            format!("Patch_{}", T::schema_name()).into()
        }

        fn schema_id() -> Cow<'static, str> {
            format!("domain::Patch<{}>", T::schema_id()).into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            or_empty(generator.subschema_for::<T>())
        }
    }

    impl JsonSchema for MetadataUpdate {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            "MetadataUpdate".into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            or_empty(generator.subschema_for::<BTreeMap<String, String>>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Update {
        #[serde(default)]
        description: Patch<String>,
        #[serde(default, deserialize_with = "named")]
        metadata: Option<MetadataUpdate>,
    }

    #[test]
    fn a_field_is_kept_cleared_or_set() {
        let cases = [
            (json!({}), Patch::Keep),
            (json!({ "description": null }), Patch::Clear),
            (json!({ "description": "x" }), Patch::Set("x".to_owned())),
        ];
        for (body, description) in cases {
            let update: Update = serde_json::from_value(body).expect("an update");
            assert_eq!(update, Update { description, metadata: None });
        }
    }

    #[test]
    fn metadata_is_cleared_or_merged() {
        let pairs = [("a", "1"), ("b", "")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let cases = [
            (json!({}), None),
            (json!({ "metadata": null }), Some(MetadataUpdate::Clear)),
            (
                json!({ "metadata": { "a": "1", "b": null } }),
                Some(MetadataUpdate::Merge(BTreeMap::from(pairs))),
            ),
        ];
        for (body, metadata) in cases {
            let update: Update = serde_json::from_value(body).expect("an update");
            assert_eq!(update, Update { description: Patch::Keep, metadata });
        }
    }

    #[test]
    fn a_field_without_a_default_is_missing_rather_than_cleared() {
        #[derive(Debug, Deserialize)]
        struct Forgotten {
            #[serde(rename = "description")]
            _description: Patch<String>,
        }
        let error = serde_json::from_value::<Forgotten>(json!({})).expect_err("no default");
        assert_eq!(error.to_string(), "missing field `description`");
    }

    #[test]
    fn an_update_changes_what_it_names() {
        let cases = [
            (Patch::Keep, Some(1), true, None),
            (Patch::Clear, None, false, None),
            (Patch::Set(2), Some(2), false, Some(2)),
        ];
        for (patch, after, keeps, set) in cases {
            let mut field = Some(1);
            patch.apply_to(&mut field);
            assert_eq!(field, after);
            assert_eq!(patch.is_keep(), keeps);
            assert_eq!(patch.as_set().copied(), set);
            assert_eq!(patch.into_option(), set);
            assert_eq!(patch.map(i64::from).into_option(), set.map(i64::from));
        }
    }

    #[cfg(feature = "openapi")]
    #[test]
    fn the_schema_allows_the_empty_text() {
        let empty = json!({ "type": "string", "enum": [""] });
        let patch = schemars::schema_for!(Patch<String>).to_value();
        assert_eq!(patch.get("anyOf"), Some(&json!([{ "type": "string" }, empty])));
        let metadata = schemars::schema_for!(MetadataUpdate).to_value();
        let pairs = json!({ "type": "object", "additionalProperties": { "type": "string" } });
        assert_eq!(metadata.get("anyOf"), Some(&json!([pairs, empty])));
    }
}
