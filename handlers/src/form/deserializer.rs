//! Reads a tree into a type, and says of whatever does not fit which parameter it is.

use std::collections::btree_map;
use std::fmt;
use std::mem;
use std::vec;

use domain::ApiError;
use domain::place::{self, Fields, Variant};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};

use super::tree::Node;
use super::{MAX_TEXT_LENGTH, length_over, shown};

/// Where in the tree a node is.
#[derive(Clone, Copy)]
pub(super) enum Path<'p> {
    /// The form itself.
    Root,
    /// What a parameter holds under a name.
    Child {
        /// The parameter.
        parent: &'p Path<'p>,
        /// The name.
        name: &'p str,
    },
}

impl<'p> Path<'p> {
    /// What lies here under a name.
    pub(super) fn child(&'p self, name: &'p str) -> Path<'p> {
        Path::Child { parent: self, name }
    }

    /// The parameter as Stripe spells it: `payment_method_data[card][number]`.
    fn spelled(&self) -> String {
        match self {
            Path::Root => String::new(),
            Path::Child { parent: Path::Root, name } => (*name).to_owned(),
            Path::Child { parent, name } => format!("{}[{name}]", parent.spelled()),
        }
    }
}

/// Reads a node that is found at a path.
pub(super) fn decode<T: DeserializeOwned>(node: Node, path: &Path<'_>) -> Result<T, ApiError> {
    T::deserialize(Deserializer::new(node, path)).map_err(|error| error.into_api_error(path))
}

/// What is wrong with a parameter. In a box, because the code that hands it on is made for each type
/// that is read.
#[derive(Debug)]
pub(super) struct Error(Box<Problem>);

/// What is wrong, and perhaps with which parameter.
#[derive(Debug)]
enum Problem {
    /// Known with its parameter.
    Placed(ApiError),
    /// As serde's own code reports it, which does not know where it is.
    Unplaced(Fault),
}

/// What serde's own code finds wrong.
#[derive(Clone, Debug)]
enum Fault {
    UnknownField(String),
    MissingField(&'static str),
    UnknownVariant { value: String, allowed: &'static [&'static str] },
    IntegerOutOfRange(String),
    Other(String),
}

impl Error {
    fn placed(error: ApiError) -> Self {
        Self(Box::new(Problem::Placed(error)))
    }

    fn unplaced(fault: Fault) -> Self {
        Self(Box::new(Problem::Unplaced(fault)))
    }

    fn into_api_error(self, path: &Path<'_>) -> ApiError {
        match *self.0 {
            Problem::Placed(error) => error,
            Problem::Unplaced(fault) => fault.at(path),
        }
    }

    fn at(self, path: &Path<'_>) -> Self {
        Self::placed(self.into_api_error(path))
    }
}

impl Fault {
    fn at(self, path: &Path<'_>) -> ApiError {
        let param = path.spelled();
        match self {
            Self::UnknownField(name) => {
                ApiError::UnknownParameter { param: path.child(&name).spelled() }
            }
            Self::MissingField(name) => {
                ApiError::MissingParameter { param: path.child(name).spelled() }
            }
            Self::UnknownVariant { value, allowed } => {
                ApiError::InvalidEnum { param, value, allowed: allowed.to_vec() }
            }
            Self::IntegerOutOfRange(value) => ApiError::InvalidInteger { param, value },
            Self::Other(message) if param.is_empty() => ApiError::InvalidBody { message },
            Self::Other(message) => ApiError::ParameterInvalid { param, message },
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Problem::Placed(error) => error.fmt(formatter),
            Problem::Unplaced(fault) => fault.clone().at(&Path::Root).fmt(formatter),
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::unplaced(Fault::Other(message.to_string()))
    }

    fn unknown_field(field: &str, _expected: &'static [&'static str]) -> Self {
        Self::unplaced(Fault::UnknownField(field.to_owned()))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::unplaced(Fault::MissingField(field))
    }

    fn unknown_variant(variant: &str, allowed: &'static [&'static str]) -> Self {
        Self::unplaced(Fault::UnknownVariant { value: shown(variant), allowed })
    }

    fn invalid_type(_unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        // The value stays out of the sentence: it may be a card number.
        Self::unplaced(Fault::Other(format!("Invalid value: expected {expected}.")))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match unexpected {
            Unexpected::Signed(value) => {
                Self::unplaced(Fault::IntegerOutOfRange(value.to_string()))
            }
            // A text where an integer is expected beside something else.
            Unexpected::Other(text) => Self::unplaced(Fault::IntegerOutOfRange(shown(text))),
            other => Self::invalid_type(other, expected),
        }
    }
}

/// One node and where it is.
pub(super) struct Deserializer<'p> {
    node: Node,
    path: &'p Path<'p>,
    /// Whether an empty text may unset it.
    may_be_unset: bool,
    /// How many characters its text may have.
    longest: usize,
}

impl<'p> Deserializer<'p> {
    /// A parameter of its own cannot be unset unless its type says so; a part of one, as a line of an
    /// address, is simply not there when it is empty.
    fn new(node: Node, path: &'p Path<'p>) -> Self {
        let is_parameter = matches!(path, Path::Child { parent: Path::Root, .. });
        Self { node, path, may_be_unset: !is_parameter, longest: MAX_TEXT_LENGTH }
    }

    fn param(&self) -> String {
        self.path.spelled()
    }

    fn invalid(&self, kind: &str) -> Error {
        let message = format!("Invalid {kind}: {}", self.node.shown());
        Error::placed(ApiError::ParameterInvalid { param: self.param(), message })
    }

    /// Refuses an empty text, which asks to unset what cannot be unset.
    fn refuse_empty(&self) -> Result<(), Error> {
        match &self.node {
            Node::Text(text) if text.is_empty() => {
                Err(Error::placed(ApiError::EmptyParameter { param: self.param() }))
            }
            _ => Ok(()),
        }
    }

    /// A plain decimal integer: no sign but a minus, no point, no exponent, no blanks.
    fn integer(&self) -> Result<i64, Error> {
        self.refuse_empty()?;
        let number = match &self.node {
            Node::Text(text) if !text.starts_with('+') => text.parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| {
            let value = self.node.shown();
            Error::placed(ApiError::InvalidInteger { param: self.param(), value })
        })
    }

    fn text(self) -> Result<String, Error> {
        self.refuse_empty()?;
        let Self { node, path, longest, .. } = self;
        match node {
            Node::Text(text) => {
                refuse_long(&text, path, longest)?;
                Ok(text)
            }
            node => Err(Deserializer::new(node, path).invalid("string")),
        }
    }

    /// What it holds under names.
    fn entries(self) -> Result<Entries<'p>, Error> {
        self.refuse_empty()?;
        let path = self.path;
        match self.node {
            Node::Map(entries) => Ok(Entries {
                entries: entries.into_iter(),
                name: String::new(),
                node: Node::default(),
                path,
            }),
            Node::Text(_) | Node::List(_) => {
                Err(Error::placed(ApiError::InvalidHash { param: path.spelled() }))
            }
        }
    }

    fn visit_list<'de, V: Visitor<'de>>(
        path: &Path<'_>,
        elements: Vec<(String, Node)>,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let mut elements = Elements { elements: elements.into_iter(), path };
        let value = visitor.visit_seq(&mut elements)?;
        match elements.elements.next() {
            // A tuple reads no more than it has room for.
            Some(_) => Err(Error::placed(ApiError::InvalidArray { param: path.spelled() })),
            None => Ok(value),
        }
    }
}

fn refuse_long(text: &str, path: &Path<'_>, limit: usize) -> Result<(), Error> {
    match length_over(text, limit) {
        Some(length) => {
            Err(Error::placed(ApiError::StringTooLong { param: path.spelled(), length, limit }))
        }
        None => Ok(()),
    }
}

macro_rules! read_integers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.visit_i64(self.integer()?)
        })*
    };
}

macro_rules! read_texts {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.visit_string(self.text()?)
        })*
    };
}

impl<'de> de::Deserializer<'de> for Deserializer<'_> {
    type Error = Error;

    /// For types that look before they decide: a text stays as it is, even an empty one, and keys
    /// that are all numbers make a list.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (path, longest) = (self.path, self.longest);
        match self.node.into_elements() {
            Ok(elements) => Self::visit_list(path, elements, visitor),
            Err(Node::Text(text)) => {
                refuse_long(&text, path, longest)?;
                visitor.visit_string(text)
            }
            Err(node) => Deserializer::new(node, path).deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.refuse_empty()?;
        match &self.node {
            Node::Text(text) if text == "true" => visitor.visit_bool(true),
            Node::Text(text) if text == "false" => visitor.visit_bool(false),
            _ => Err(self.invalid("boolean")),
        }
    }

    read_integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    read_texts! { deserialize_char deserialize_str deserialize_string }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node {
            Node::Text(text) if text.is_empty() && self.may_be_unset => visitor.visit_none(),
            _ => {
                self.refuse_empty()?;
                visitor.visit_some(self)
            }
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let may_be_unset = self.may_be_unset || name == domain::patch::UNSETTABLE;
        let is_long = name == domain::dispute::LONG_TEXT;
        let longest = if is_long { domain::dispute::LONGEST_TEXT } else { self.longest };
        visitor.visit_newtype_struct(Self { may_be_unset, longest, ..self })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.refuse_empty()?;
        let path = self.path;
        match self.node.into_elements() {
            Ok(elements) => Self::visit_list(path, elements, visitor),
            Err(_) => Err(Error::placed(ApiError::InvalidArray { param: path.spelled() })),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(self.entries()?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Fields::new(self.entries()?, names))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(Variant::named(&self.text()?, names))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        f32 f64 bytes byte_buf unit unit_struct identifier
    }
}

/// The elements of a list that are still to be read.
struct Elements<'p> {
    elements: vec::IntoIter<(String, Node)>,
    path: &'p Path<'p>,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        self.elements.next().map(|(place, node)| read(seed, &place, node, self.path)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.elements.len())
    }
}

/// The entries of a map that are still to be read.
struct Entries<'p> {
    entries: btree_map::IntoIter<String, Node>,
    /// The name that was read last, and what lies under it until that is read.
    name: String,
    node: Node,
    path: &'p Path<'p>,
}

impl place::Entries<'_> for Entries<'_> {
    fn advance(&mut self) -> bool {
        let Some((name, node)) = self.entries.next() else { return false };
        self.name = name;
        self.node = node;
        true
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
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

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        read(seed, &self.name, mem::take(&mut self.node), self.path)
    }
}

/// Reads what lies under a name; here an error that does not know its parameter learns it.
fn read<'de, S: DeserializeSeed<'de>>(
    seed: S,
    name: &str,
    node: Node,
    parent: &Path<'_>,
) -> Result<S::Value, Error> {
    let path = parent.child(name);
    seed.deserialize(Deserializer::new(node, &path)).map_err(|error| error.at(&path))
}
