//! Authentication: which key a request holds, and whether it may call an endpoint.

use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::ApiError;
use domain::api_key::{self, ApiKey, Kind};
use flows::{Failure, Platform};
use http::HeaderMap;
use store::accounts::{self, KeyAndAccount};
use store::{Database, Rows};

use crate::endpoint::Method;
use crate::key_cache::KeyCache;

/// The key that a request holds, with its account.
///
/// # Errors
/// When it holds none, an unknown or an expired one, or names another account.
pub async fn authenticate<P: Platform>(
    platform: &P,
    cache: &KeyCache,
    headers: &HeaderMap,
) -> Result<Rc<KeyAndAccount>, Failure> {
    let key = key_of(headers).ok_or(ApiError::MissingApiKey)?;
    let hash = api_key::hash(&key);
    let now = platform.now();
    let found = match cache.get(&hash, now) {
        Some(found) => found,
        None => {
            let results = platform.database().batch(vec![accounts::find_by_key(&hash)]).await?;
            let Some(row) = results.first().and_then(Rows::first) else {
                let shown = api_key::display(&key);
                return Err(ApiError::InvalidApiKey { shown }.into());
            };
            let found = Rc::new(KeyAndAccount::try_from(row)?);
            cache.put(hash, now, Rc::clone(&found));
            found
        }
    };
    if found.key.is_expired(now) {
        return Err(ApiError::ExpiredApiKey { shown: found.key.display.clone() }.into());
    }
    check_account(&found, headers)?;
    Ok(found)
}

/// `Stripe-Account` may only name the key's own account.
fn check_account(found: &KeyAndAccount, headers: &HeaderMap) -> Result<(), ApiError> {
    match text(headers, "stripe-account") {
        Some(account) if account != found.account.id.as_str() => {
            Err(ApiError::AccountNotAccessible { account: account.chars().take(100).collect() })
        }
        _ => Ok(()),
    }
}

/// Whether a key may call an endpoint.
///
/// # Errors
/// When a browser's key calls what only servers may, or a restricted key lacks the right.
pub fn authorize(
    key: &ApiKey,
    method: Method,
    resource: &'static str,
    publishable: bool,
) -> Result<(), ApiError> {
    if key.kind == Kind::Publishable {
        return if publishable { Ok(()) } else { Err(ApiError::PublishableKeyNotAllowed) };
    }
    check_right(key, method, resource)
}

/// Whether a server that holds a key may use a resource so.
///
/// # Errors
/// When a restricted key lacks the right.
pub fn check_right(key: &ApiKey, method: Method, resource: &'static str) -> Result<(), ApiError> {
    let needed = method.access();
    if key.allows(resource, needed) {
        Ok(())
    } else {
        Err(ApiError::PermissionDenied {
            shown: key.display.clone(),
            resource,
            needed: needed.name(),
        })
    }
}

/// The key in the `Authorization` header: a bearer token, or the user name of basic authentication.
fn key_of(headers: &HeaderMap) -> Option<String> {
    let header = text(headers, "authorization")?;
    let (scheme, value) = header.split_once(' ')?;
    let key = if scheme.eq_ignore_ascii_case("bearer") {
        value.trim().to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
        decoded.split(':').next()?.to_owned()
    } else {
        return None;
    };
    (!key.is_empty()).then_some(key)
}

/// The headers that are read anywhere: only these, and those that processors sign their webhooks in, are taken over from
/// the runtime, as each costs.
pub const HEADERS: [&str; 8] = [
    "authorization",
    "cf-connecting-ip",
    "content-type",
    "host",
    "idempotency-key",
    "stripe-account",
    "stripe-version",
    "user-agent",
];

/// A header as text.
pub(crate) fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    debug_assert!(HEADERS.contains(&name), "{name} is not taken over from the runtime");
    headers.get(name).and_then(|value| value.to_str().ok())
}
