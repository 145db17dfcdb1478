//! `Stripe-Version`: every dated version is taken, and answered in today's shape.

use domain::ApiError;
use domain::event::API_VERSION;

/// The version that a request asks for, or today's.
///
/// # Errors
/// When it is no date, with or without a release's name.
pub fn requested(header: Option<&str>) -> Result<String, ApiError> {
    let Some(version) = header else { return Ok(API_VERSION.to_owned()) };
    // A client on previews adds what it previews, as `2026-10-28.endive; custom_checkout_beta=v1`.
    let dated = version.split(';').next().unwrap_or_default().trim();
    let (date, release) = match dated.split_once('.') {
        Some((date, release)) => (date, release),
        None => (dated, "none"),
    };
    let named = !release.is_empty() && release.bytes().all(|byte| byte.is_ascii_lowercase());
    if named && is_date(date) {
        Ok(dated.to_owned())
    } else {
        Err(ApiError::InvalidApiVersion { version: version.chars().take(100).collect() })
    }
}

/// The version whose defaults a call is answered by.
///
/// The Stripe CLI names none: its fixtures rest on those of accounts that were made before payments offered
/// more than cards unless told otherwise.
pub fn of_call(header: Option<&str>, user_agent: Option<&str>) -> String {
    match (header, user_agent) {
        (None, Some(agent)) if agent.contains("stripe-cli/") => "2020-08-27".to_owned(),
        // What is no version was refused before.
        _ => requested(header).unwrap_or_default(),
    }
}

/// Whether a version is older than a date; dates are spelled so that texts compare as they do.
pub fn is_before(version: &str, date: &str) -> bool {
    version.split('.').next().unwrap_or_default() < date
}

fn is_date(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let number = |part: &str, length: usize, from: u32, to: u32| {
        part.len() == length
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && part.parse::<u32>().is_ok_and(|value| (from..=to).contains(&value))
    };
    matches!(parts.as_slice(), [year, month, day]
        if number(year, 4, 2011, 9999) && number(month, 2, 1, 12) && number(day, 2, 1, 31))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_versions_and_nothing_else_is() {
        for version in ["2026-10-28.endive", "2020-08-27", "2022-11-15; beta=v1"] {
            assert!(requested(Some(version)).is_ok(), "{version}");
        }
        for version in ["", "latest", "2026-13-01", "2026-10-28.", "2026-10-28.End", "26-1-1"] {
            assert!(requested(Some(version)).is_err(), "{version}");
        }
        assert_eq!(requested(None).as_deref(), Ok(API_VERSION));
    }

    #[test]
    fn versions_are_compared_by_their_dates() {
        assert!(is_before("2022-11-15", "2023-08-16"));
        assert!(!is_before("2023-08-16", "2023-08-16"));
        assert!(!is_before("2026-10-28.endive", "2023-08-16"));
    }
}
