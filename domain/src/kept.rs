//! Reads what is kept as JSON.
//!
//! serde_json's own reader would do, but for what the Worker weighs: it also takes each struct from a list
//! of its fields, whose code is as long again as that for its names. Here a struct is read from an object
//! and an enum from the name of its variant, which is all that is ever kept. Nor does an error say what was found
//! instead, as serde_json's do: that would bring all that writes numbers with a fraction.

use std::fmt;

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Error as _, Expected, IntoDeserializer,
    MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde_json::{Map, Number, Value};

use crate::place::{self, Fields, Variant};

/// Why what was kept cannot be read.
#[derive(Debug)]
#[expect(clippy::box_collection, reason = "one word is handed on in less code than three")]
pub struct Error(Box<String>);

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl Error {
    fn expecting(expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}"))
    }
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Box::new(message.to_string()))
    }

    fn invalid_type(_found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expecting(expected)
    }

    fn invalid_value(_found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expecting(expected)
    }
}

/// Reads a JSON text.
///
/// # Errors
/// When it is no JSON, or not that of a `T`.
pub fn from_text<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    from_value(serde_json::from_str(text).map_err(Error::custom)?)
}

/// Reads a JSON value.
///
/// # Errors
/// When it is not that of a `T`.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    T::deserialize(Kept(value))
}

/// Takes an enum whose variants have fields apart into the name of the variant, which is kept beside the
/// fields, and these. serde's own way makes code for each variant that is twice as long.
///
/// # Errors
/// When the value is no object, or the name is missing.
pub(crate) fn variant<'de, D: Deserializer<'de>>(
    deserializer: D,
    tag: &'static str,
) -> Result<(String, Value), D::Error> {
    use serde::Deserialize;
    let mut fields = Map::deserialize(deserializer)?;
    match fields.remove(tag) {
        Some(Value::String(name)) => Ok((name, Value::Object(fields))),
        _ => Err(D::Error::missing_field(tag)),
    }
}

/// The error of a variant that there is not.
pub(crate) fn unknown_variant(name: &str) -> Error {
    Error::custom(format_args!("unknown variant `{name}`"))
}

/// A value that is being read.
struct Kept(Value);

fn visit_number<'de, V: Visitor<'de>>(number: &Number, visitor: V) -> Result<V::Value, Error> {
    match (number.as_u64(), number.as_i64()) {
        (Some(number), _) => visitor.visit_u64(number),
        (None, Some(number)) => visitor.visit_i64(number),
        _ => visitor.visit_f64(number.as_f64().unwrap_or_default()),
    }
}

macro_rules! read {
    ($($pattern:pat => $visit:expr, $visitor:ident: $($method:ident)*;)*) => {
        $($(fn $method<V: Visitor<'de>>(self, $visitor: V) -> Result<V::Value, Error> {
            match self.0 {
                $pattern => $visit,
                _ => Err(Error::expecting(&$visitor)),
            }
        })*)*
    };
}

impl<'de> Deserializer<'de> for Kept {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(flag),
            Value::Number(number) => visit_number(&number, visitor),
            Value::String(text) => visitor.visit_string(text),
            Value::Array(values) => visitor.visit_seq(Elements(values.into_iter())),
            Value::Object(entries) => visitor.visit_map(Entries::of(entries)),
        }
    }

    read! {
        Value::Bool(flag) => visitor.visit_bool(flag), visitor: deserialize_bool;
        Value::Number(number) => visit_number(&number, visitor), visitor:
            deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
            deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64;
        Value::String(text) => visitor.visit_string(text), visitor:
            deserialize_char deserialize_str deserialize_string;
        Value::Array(values) => visitor.visit_seq(Elements(values.into_iter())), visitor:
            deserialize_seq;
        Value::Object(entries) => visitor.visit_map(Entries::of(entries)), visitor: deserialize_map;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(entries) => visitor.visit_map(Fields::new(Entries::of(entries), names)),
            _ => Err(Error::expecting(&visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.0 {
            Value::String(name) => visitor.visit_enum(Variant::named(name, names)),
            _ => Err(Error::expecting(&visitor)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        f32 f64 i128 u128 bytes byte_buf unit unit_struct tuple_struct identifier
    }
}

/// The elements of a list that are still to be read.
struct Elements(std::vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Elements {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        self.0.next().map(|value| seed.deserialize(Kept(value))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// The entries of an object that are still to be read.
struct Entries {
    entries: serde_json::map::IntoIter,
    /// The name that was read last, and the value under it until that is read.
    name: String,
    value: Value,
}

impl Entries {
    fn of(entries: Map<String, Value>) -> Self {
        Self { entries: entries.into_iter(), name: String::new(), value: Value::Null }
    }
}

impl place::Entries<'_> for Entries {
    fn advance(&mut self) -> bool {
        let Some((name, value)) = self.entries.next() else { return false };
        self.name = name;
        self.value = value;
        true
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl<'de> MapAccess<'de> for Entries {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        if !place::Entries::advance(self) {
            return Ok(None);
        }
        seed.deserialize(self.name.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(Kept(self.value.take()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Colour {
        DarkRed,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Id(String);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Thing {
        id: Id,
        colour: Option<Colour>,
        amounts: Vec<i64>,
        #[serde(default)]
        metadata: BTreeMap<String, String>,
        day: u8,
        last: (bool, Box<str>),
        data: Value,
        nothing: Option<Box<Thing>>,
    }

    fn thing() -> Thing {
        Thing {
            id: Id("a".to_owned()),
            colour: Some(Colour::DarkRed),
            amounts: vec![1, -2],
            metadata: BTreeMap::from([("b".to_owned(), "c".to_owned())]),
            day: 3,
            last: (true, "d".into()),
            data: json!([{ "e": 1.5 }, null]),
            nothing: None,
        }
    }

    #[test]
    fn what_was_kept_is_read_as_serde_json_reads_it() {
        let text = serde_json::to_string(&thing()).expect("JSON");
        assert_eq!(from_text::<Thing>(&text).expect("a thing"), thing());
        let whole: Value = serde_json::from_str(&text).expect("JSON");
        let without = |name: &str| {
            let mut value = whole.clone();
            value.as_object_mut().and_then(|fields| fields.remove(name));
            value
        };
        for name in ["id", "colour", "amounts", "metadata", "day", "last", "data", "nothing"] {
            let own = from_value::<Thing>(without(name)).map_err(|error| error.to_string());
            let theirs =
                serde_json::from_value::<Thing>(without(name)).map_err(|error| error.to_string());
            assert_eq!(own, theirs, "without {name}");
        }
    }

    #[test]
    fn what_is_none_of_a_type_is_refused() {
        for (name, wrong) in [
            ("id", json!(1)),
            ("colour", json!("blue")),
            ("colour", json!({ "dark_red": null })),
            ("amounts", json!(["1"])),
            ("amounts", json!({})),
            ("metadata", json!({ "a": 1 })),
            ("day", json!(256)),
            ("day", json!(-1)),
            ("day", json!(1.5)),
            ("last", json!([1, "d"])),
            ("nothing", json!([])),
        ] {
            let mut value = serde_json::to_value(thing()).expect("JSON");
            value.as_object_mut().expect("an object").insert(name.to_owned(), wrong);
            assert!(from_value::<Thing>(value.clone()).is_err(), "{value}");
        }
        assert!(from_text::<Thing>("{").is_err());
    }
}
