//! Stripe's form encoding: nested parameters as pairs whose names carry brackets.
//!
//! `a=1`, `a[b]=1`, `a[]=x`, `a[0]=x` and `a[][b]=1` are read into a [`Tree`] and from there, by serde,
//! into the parameters of an endpoint. Whatever is wrong names the parameter as the merchant spelled
//! it. Query strings are read alike.
//! Source: <https://docs.stripe.com/api> and the encoders of Stripe's SDKs.

mod deserializer;
#[cfg(test)]
mod tests;
mod tree;

use domain::ApiError;
use percent_encoding::percent_decode;
use serde::de::DeserializeOwned;

pub use tree::{Node, Tree};

/// The most pairs in one form; Stripe's largest requests have a few hundred.
pub const MAX_PARAMETERS: usize = 1_000;
/// The deepest nesting, the outermost name included; Stripe's deepest parameters have six levels.
/// Whatever walks a tree by recursion relies on it.
pub const MAX_DEPTH: usize = 8;
/// The longest name of a parameter with its brackets, in characters.
pub const MAX_NAME_LENGTH: usize = 500;
/// The longest text, in characters.
pub const MAX_TEXT_LENGTH: usize = 5_000;

/// How much of a wrong text is shown, in characters: an error is not to echo a megabyte.
const SHOWN_LENGTH: usize = 100;

/// Reads the parameters of an endpoint.
///
/// # Errors
/// When the form or one of its parameters is wrong.
pub fn decode<T: DeserializeOwned>(encoded: &[u8]) -> Result<T, ApiError> {
    parse(encoded)?.decode()
}

/// Reads a form before the shape of its parameters is known.
///
/// # Errors
/// When it is not UTF-8, breaks a limit, spells a name wrongly or contradicts itself.
pub fn parse(encoded: &[u8]) -> Result<Tree, ApiError> {
    // The splitter would replace what is not UTF-8. Separators are ASCII and never part of a longer
    // character, so the whole is valid exactly if each name and value is.
    if percent_decode(encoded).decode_utf8().is_err() {
        return Err(ApiError::InvalidBody {
            message: "Invalid request: the body is not valid UTF-8.".to_owned(),
        });
    }
    let mut tree = Tree::default();
    for (count, (name, text)) in form_urlencoded::parse(encoded).enumerate() {
        if count >= MAX_PARAMETERS {
            return Err(ApiError::InvalidBody {
                message: format!(
                    "Invalid request: a request can have at most {MAX_PARAMETERS} parameters."
                ),
            });
        }
        tree.insert(&name, text.into_owned())?;
    }
    Ok(tree)
}

/// A text as an error shows it.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_LENGTH) {
        Some(_) => text.chars().take(SHOWN_LENGTH).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

/// How many characters there are beyond a limit that most texts stay far below.
fn length_over(text: &str, limit: usize) -> Option<usize> {
    // A character has at least one byte.
    if text.len() <= limit {
        return None;
    }
    Some(text.chars().count()).filter(|length| *length > limit)
}
