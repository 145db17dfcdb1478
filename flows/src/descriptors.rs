//! What a cardholder reads on the statement
//! (<https://docs.stripe.com/get-started/account/statement-descriptors>).

use domain::ApiError;
use domain::letter_case::capital;

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

/// How much of the merchant's name stands before a suffix, in characters.
const PREFIX_LENGTH: usize = 10;

/// What the cardholder will read: the descriptor, or the merchant's name; where there is a suffix, the
/// name is shortened, so that most of the suffix can be read.
pub fn calculated(
    merchant: &str,
    descriptor: Option<&str>,
    suffix: Option<&str>,
) -> Option<String> {
    let short = |text: &str, length: usize| -> String { text.chars().take(length).collect() };
    let name: String = merchant.chars().map(capital).collect();
    match (descriptor, suffix) {
        (_, Some(suffix)) => {
            let prefix = short(&name, PREFIX_LENGTH);
            Some(short(&format!("{prefix}* {suffix}"), MAX_LENGTH))
        }
        (Some(descriptor), None) => Some(descriptor.to_owned()),
        (None, None) => Some(short(&name, MAX_LENGTH)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_leaves_room_for_the_suffix() {
        let calculated = |merchant, suffix| calculated(merchant, None, suffix);
        let cases = [
            ("Acme", Some("Tea"), "ACME* Tea"),
            ("Acme Trading Company", Some("Order 42"), "ACME TRADI* Order 42"),
            ("Acme Trading Company", Some("Order 42 of July"), "ACME TRADI* Order 42 o"),
            ("Acme Trading Company of London", None, "ACME TRADING COMPANY O"),
        ];
        for (merchant, suffix, text) in cases {
            assert_eq!(calculated(merchant, suffix).as_deref(), Some(text));
        }
        assert_eq!(
            super::calculated("Acme", Some("Tea house"), None).as_deref(),
            Some("Tea house")
        );
    }
}
