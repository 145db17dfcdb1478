//! Sending mail: through Cloudflare, through a provider's HTTP interface, or into a local outbox on a developer's
//! machine.

use flows::Platform;
use flows::platform::{Email, NotSent};
use serde_json::json;
use store::{Database, development_outbox};
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;
use worker::js_sys::Promise;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::JsFuture;

use crate::outbound;
use crate::platform::CloudflarePlatform;

/// How long a provider may take, in seconds.
const TIMEOUT: u32 = 20;

/// What Cloudflare says of a mail that it will never send
/// (<https://developers.cloudflare.com/email-service/api/send-emails/workers-api/#error-codes>).
const FINAL: [&str; 4] = [
    "E_VALIDATION_ERROR",
    "E_RECIPIENT_NOT_ALLOWED",
    "E_RECIPIENT_SUPPRESSED",
    "E_CONTENT_TOO_LARGE",
];

#[wasm_bindgen(inline_js = r#"
export function is_bound(env) {
  return typeof env.EMAIL?.send === "function";
}

// https://developers.cloudflare.com/email-service/api/send-emails/workers-api/
export async function send(env, from, to, subject, html, text) {
  const done = new AbortController();
  const late = scheduler.wait(20000, { signal: done.signal }).then(() => {
    throw new Error("no answer within 20 s");
  });
  try {
    await Promise.race([env.EMAIL.send({ from, to, subject, html, text }), late]);
  } catch (error) {
    throw new Error(error?.code === undefined ? String(error?.message ?? error) : `${error.code}: ${error.message}`);
  } finally {
    done.abort();
  }
}
"#)]
extern "C" {
    fn is_bound(env: &JsValue) -> bool;
    #[wasm_bindgen(js_name = send)]
    fn send_bound(
        env: &JsValue,
        from: &str,
        to: &str,
        subject: &str,
        html: &str,
        text: &str,
    ) -> Promise;
}

/// Who sends mail, as the deployment's secrets and bindings say.
pub struct Provider {
    from: String,
    /// Where a provider other than Cloudflare listens, and the token for it.
    elsewhere: Option<(String, String)>,
}

impl Provider {
    /// The provider that the secrets `EMAIL_URL` and `EMAIL_TOKEN` name, or else Cloudflare where the binding
    /// `EMAIL` is there; none without the secret `EMAIL_FROM`.
    pub fn of(env: &Env) -> Option<Self> {
        let secret = |name| env.secret(name).ok().map(|secret| secret.to_string());
        let elsewhere = secret("EMAIL_URL").zip(secret("EMAIL_TOKEN"));
        let from =
            secret("EMAIL_FROM").filter(|_| elsewhere.is_some() || is_bound(env.as_ref()))?;
        Some(Self { from, elsewhere })
    }

    /// Hands a mail over.
    ///
    /// # Errors
    /// When the provider does not take it.
    pub async fn send(&self, env: &Env, email: &Email) -> Result<(), NotSent> {
        let Email { idempotency_key, to, subject, html, text } = email;
        let Some((url, token)) = &self.elsewhere else {
            // Cloudflare knows no idempotency keys.
            let sent = send_bound(env.as_ref(), &self.from, to, subject, html, text);
            return JsFuture::from(sent).await.map(drop).map_err(|error| {
                let problem = crate::database::message(&error);
                let is_final = FINAL.iter().any(|code| problem.contains(code));
                NotSent { problem, is_final }
            });
        };
        let body =
            json!({"from": self.from, "to": to, "subject": subject, "html": html, "text": text});
        let request = http::Request::post(url)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .header("idempotency-key", idempotency_key)
            .body(body.to_string())
            .map_err(|error| later(error.to_string()))?;
        let answered = outbound::send(request, TIMEOUT).await.answer.map_err(later)?;
        match answered.status {
            200..=299 => Ok(()),
            status => Err(NotSent {
                problem: format!("it answered {status}: {}", answered.body),
                is_final: matches!(status, 400 | 422),
            }),
        }
    }
}

/// Keeps a mail in the outbox of a developer's machine.
///
/// # Errors
/// When the database does not answer.
pub async fn keep(platform: &CloudflarePlatform, email: &Email) -> Result<(), NotSent> {
    let Email { idempotency_key, to, subject, html, text } = email;
    let now = platform.now();
    let keep = development_outbox::insert(idempotency_key, now, to, subject, html, text);
    let kept = platform.database().batch(vec![keep]).await;
    kept.map(drop).map_err(|error| later(error.to_string()))
}

/// It may be taken later.
fn later(problem: String) -> NotSent {
    NotSent { problem, is_final: false }
}
