//! The secrets that sign deliveries: sealed while they are kept.

use domain::id::keyed_digest;
use domain::seal::Kind;
use domain::webhook::{SealedSecret, WebhookEndpoint, signature};
use store::Scope;

use crate::{Context, Failure, Platform};

/// A new secret. A run of the same request makes the same one again.
pub(super) fn new<P: Platform>(context: &Context<'_, P>) -> String {
    let drawn = context.ids.secret("webhook_secret");
    signature::secret(&keyed_digest(b"webhook_secret", &[drawn.as_bytes()]))
}

/// A secret as it is kept.
pub(super) fn seal<P: Platform>(context: &Context<'_, P>, secret: &str) -> Result<String, Failure> {
    let (key, within) = (context.platform.master_key(), context.scope.account.as_str());
    Ok(key.seal(Kind::WebhookSecret, secret, within, context.nonce())?)
}

/// The secrets that sign now. One that cannot be opened signs nothing and keeps no other from it; its owner
/// can roll it.
pub(super) fn live<P: Platform>(
    platform: &P,
    scope: &Scope,
    endpoint: &WebhookEndpoint,
) -> Vec<String> {
    let (key, within) = (platform.master_key(), scope.account.as_str());
    let open = |secret: &SealedSecret| match key.open(Kind::WebhookSecret, &secret.sealed, within) {
        Ok(secret) => Some(secret),
        Err(error) => {
            platform.log_error(endpoint.id.as_str(), &format!("a secret: {error}"));
            None
        }
    };
    endpoint.live_secrets(platform.now()).filter_map(open).collect()
}
