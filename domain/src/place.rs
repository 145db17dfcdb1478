//! Which of the fields of a struct, or the variants of an enum, a name is.
//!
//! serde's derived code compares a name with each that there is, for each type anew: a thirtieth of the Worker. It
//! takes a place among the names as well, which one function finds for all types.
//!
//! A type that is read so cannot have aliases: serde counts these among the names, where they shift the places.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, Unexpected, VariantAccess, Visitor,
};

/// A place among names. Beyond the last where the name is none of them.
#[derive(Clone, Copy, Debug)]
pub struct Place(u64);

impl Place {
    /// Where a name is among the names that there are.
    #[must_use]
    pub fn of(name: &str, names: &[&str]) -> Self {
        let place = names.iter().position(|known| *known == name);
        Self(place.and_then(|place| u64::try_from(place).ok()).unwrap_or(u64::MAX))
    }

    /// The field at this place; none where the type has no such field and allows of no other.
    pub fn field<'de, K: DeserializeSeed<'de>>(self, seed: K) -> Option<K::Value> {
        seed.deserialize(self).ok()
    }
}

/// That a type has no such name. Whoever asked knows the name, and the error with which to refuse it.
#[derive(Debug)]
pub struct NoSuchName;

impl fmt::Display for NoSuchName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("no such name")
    }
}

impl std::error::Error for NoSuchName {}

impl de::Error for NoSuchName {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }

    fn invalid_value(_unexpected: Unexpected<'_>, _expected: &dyn de::Expected) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for Place {
    type Error = NoSuchName;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NoSuchName> {
        visitor.visit_u64(self.0)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Names, and what lies under each, that are read one after the other.
pub trait Entries<'de>: MapAccess<'de> {
    /// Goes on to the next entry; false where there is none.
    fn advance(&mut self) -> bool;

    /// The name of the present entry.
    fn name(&self) -> &str;
}

/// The fields of a struct that are still to be read.
pub struct Fields<E> {
    entries: E,
    names: &'static [&'static str],
}

impl<'de, E: Entries<'de>> Fields<E> {
    /// Those among entries, of a struct that has fields of these names.
    pub fn new(entries: E, names: &'static [&'static str]) -> Self {
        Self { entries, names }
    }

    fn place(&mut self) -> Option<Place> {
        self.entries.advance().then(|| Place::of(self.entries.name(), self.names))
    }

    fn unknown(&self) -> E::Error {
        de::Error::unknown_field(self.entries.name(), self.names)
    }
}

impl<'de, E: Entries<'de>> MapAccess<'de> for Fields<E> {
    type Error = E::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, E::Error> {
        match self.place() {
            None => Ok(None),
            Some(place) => place.field(seed).map(Some).ok_or_else(|| self.unknown()),
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, E::Error> {
        self.entries.next_value_seed(seed)
    }
}

/// A variant without fields, by its name.
pub struct Variant<'n, E> {
    name: &'n str,
    names: &'static [&'static str],
    error: PhantomData<E>,
}

impl<'n, E> Variant<'n, E> {
    /// The variant of a name among those that there are.
    #[must_use]
    pub fn named(name: &'n str, names: &'static [&'static str]) -> Self {
        Self { name, names, error: PhantomData }
    }
}

impl<'de, E: de::Error> EnumAccess<'de> for Variant<'_, E> {
    type Error = E;
    type Variant = Bare<E>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Bare<E>), E> {
        match Place::of(self.name, self.names).field(seed) {
            Some(variant) => Ok((variant, Bare(PhantomData))),
            None => Err(E::unknown_variant(self.name, self.names)),
        }
    }
}

/// What a variant without fields holds.
pub struct Bare<E>(PhantomData<E>);

impl<'de, E: de::Error> VariantAccess<'de> for Bare<E> {
    type Error = E;

    fn unit_variant(self) -> Result<(), E> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _seed: T) -> Result<T::Value, E> {
        Err(E::invalid_type(Unexpected::UnitVariant, &"newtype variant"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, _visitor: V) -> Result<V::Value, E> {
        Err(E::invalid_type(Unexpected::UnitVariant, &"tuple variant"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, E> {
        Err(E::invalid_type(Unexpected::UnitVariant, &"struct variant"))
    }
}
