//! Sending mail: through a provider's HTTP interface, or into a local outbox on a developer's machine.

use flows::platform::Email;
use flows::{Platform, PlatformError};
use serde_json::json;
use store::{Database, development_outbox};
use worker::Env;

use crate::outbound;
use crate::platform::CloudflarePlatform;

/// How long a provider may take, in seconds.
const TIMEOUT: u32 = 20;

/// Who sends mail, as the deployment's secrets say.
pub struct Provider {
    url: String,
    token: String,
    from: String,
}

impl Provider {
    /// The provider; none unless the secrets `EMAIL_URL`, `EMAIL_TOKEN` and `EMAIL_FROM` are all there.
    pub fn of(env: &Env) -> Option<Self> {
        let secret = |name| env.secret(name).ok().map(|secret| secret.to_string());
        let (url, token) = (secret("EMAIL_URL")?, secret("EMAIL_TOKEN")?);
        Some(Self { url, token, from: secret("EMAIL_FROM")? })
    }

    /// Hands a mail over.
    ///
    /// # Errors
    /// When the provider does not take it.
    pub async fn send(&self, email: &Email) -> Result<(), String> {
        let Email { idempotency_key, to, subject, html, text } = email;
        let body =
            json!({"from": self.from, "to": to, "subject": subject, "html": html, "text": text});
        let request = http::Request::post(&self.url)
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .header("idempotency-key", idempotency_key)
            .body(body.to_string())
            .map_err(|error| error.to_string())?;
        let answered = outbound::send(request, TIMEOUT).await.answer?;
        match answered.status {
            200..=299 => Ok(()),
            status => Err(format!("it answered {status}: {}", answered.body)),
        }
    }
}

/// Keeps a mail in the outbox of a developer's machine.
///
/// # Errors
/// When the database does not answer.
pub async fn keep(platform: &CloudflarePlatform, email: &Email) -> Result<(), PlatformError> {
    let Email { idempotency_key, to, subject, html, text } = email;
    let now = platform.now();
    let keep = development_outbox::insert(idempotency_key, now, to, subject, html, text);
    let kept = platform.database().batch(vec![keep]).await;
    kept.map(drop).map_err(|error| PlatformError { part: "email", problem: error.to_string() })
}
