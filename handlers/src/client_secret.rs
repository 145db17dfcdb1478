//! Client secrets: by one of them a customer's browser proves that an intent is its own.

use domain::ApiError;
use domain::id::constant_time_equal;

use crate::endpoint::Call;

/// Checks the secret of an intent, which a browser has to give and a server may.
///
/// # Errors
/// When it is missing or another intent's.
pub fn check<P>(
    call: &Call<'_, P>,
    given: Option<&str>,
    secret: &str,
    kind: &str,
    id: &str,
) -> Result<(), ApiError> {
    let matches =
        given.is_some_and(|given| constant_time_equal(given.as_bytes(), secret.as_bytes()));
    match given {
        None if call.is_publishable() => {
            Err(ApiError::MissingParameter { param: "client_secret".to_owned() })
        }
        Some(_) if !matches => Err(ApiError::ParameterInvalid {
            param: "client_secret".to_owned(),
            message: format!(
                "The client_secret provided does not match the client_secret associated with the \
                 {kind} '{id}'."
            ),
        }),
        _ => Ok(()),
    }
}
