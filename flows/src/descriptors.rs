//! What a cardholder reads on the statement
//! (<https://docs.stripe.com/get-started/account/statement-descriptors>).

use domain::ApiError;

/// The longest text that networks carry, in characters.
const MAX_LENGTH: usize = 22;

/// Checks a descriptor, or the suffix of one: at most 22 characters, none of `<>\'"*`, and a letter.
///
/// # Errors
/// Says which of these it breaks.
pub fn check(param: &str, text: Option<&str>) -> Result<(), ApiError> {
    let Some(text) = text else { return Ok(()) };
    let problem = if text.chars().count() > MAX_LENGTH {
        "must be at most 22 characters"
    } else if text.contains(['<', '>', '\\', '\'', '"', '*']) {
        "must not contain any of the characters <, >, \\, ', \", *"
    } else if !text.chars().any(char::is_alphabetic) {
        "must contain at least one letter"
    } else {
        return Ok(());
    };
    Err(ApiError::ParameterInvalid {
        param: param.to_owned(),
        message: format!("The statement descriptor {problem}."),
    })
}

/// What the cardholder will read: the descriptor, or the merchant's name with the suffix.
pub fn calculated(
    merchant: &str,
    descriptor: Option<&str>,
    suffix: Option<&str>,
) -> Option<String> {
    let short = |text: &str| -> String { text.chars().take(MAX_LENGTH).collect() };
    match (descriptor, suffix) {
        (_, Some(suffix)) => Some(short(&format!("{}* {suffix}", merchant.to_uppercase()))),
        (Some(descriptor), None) => Some(descriptor.to_owned()),
        (None, None) => Some(short(&merchant.to_uppercase())),
    }
}
