//! The merchant's own key-value pairs on an object, and how an update merges into them.
//!
//! Source: <https://docs.stripe.com/metadata>: at most 50 keys, 40 characters a key, 500 a value; an
//! empty value removes its key, and an empty `metadata` removes them all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ApiError;

/// The most keys that one object may carry.
const MAX_KEYS: usize = 50;
/// The longest key, in characters.
const MAX_KEY_LENGTH: usize = 40;
/// The longest value, in characters.
const MAX_VALUE_LENGTH: usize = 500;

/// Key-value pairs that the merchant keeps with an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(inline))]
#[serde(transparent)]
pub struct Metadata(BTreeMap<String, String>);

/// What a request asks to do with metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataUpdate {
    /// `metadata=` removes every key.
    Clear,
    /// `metadata[key]=value` sets the key; an empty value removes it.
    Merge(BTreeMap<String, String>),
}

impl Metadata {
    /// The pairs in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pairs after an update.
    ///
    /// # Errors
    /// When a key or value is too long, or there would be more than 50 keys.
    pub fn updated(&self, update: &MetadataUpdate) -> Result<Self, ApiError> {
        let changes = match update {
            MetadataUpdate::Clear => return Ok(Self::default()),
            MetadataUpdate::Merge(changes) => changes,
        };
        let mut pairs = self.0.clone();
        for (key, value) in changes {
            check_pair(key, value)?;
            if value.is_empty() {
                pairs.remove(key);
            } else {
                pairs.insert(key.clone(), value.clone());
            }
        }
        if pairs.len() > MAX_KEYS {
            return Err(ApiError::TooManyMetadataKeys { count: pairs.len() });
        }
        Ok(Self(pairs))
    }
}

fn check_pair(key: &str, value: &str) -> Result<(), ApiError> {
    if key.chars().count() > MAX_KEY_LENGTH {
        return Err(ApiError::MetadataKeyTooLong { key: key.to_owned() });
    }
    if key.contains(['[', ']']) {
        return Err(ApiError::ParameterInvalid {
            param: "metadata".to_owned(),
            message: "Metadata keys can't contain square brackets ([]).".to_owned(),
        });
    }
    if value.chars().count() > MAX_VALUE_LENGTH {
        return Err(ApiError::MetadataValueTooLong {
            key: key.to_owned(),
            value: value.to_owned(),
        });
    }
    Ok(())
}
