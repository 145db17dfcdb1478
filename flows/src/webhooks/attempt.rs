//! One attempt to deliver an event: signed, sent, and judged by what came back.

use std::time::UNIX_EPOCH;

use domain::resource;
use domain::timestamp::Timestamp;
use domain::webhook::delivery::Attempt;
use domain::webhook::{WebhookEndpoint, signature, target};
use store::Inconsistent;
use store::deliveries::Due;

use crate::Platform;

/// How long an endpoint may take, in seconds.
const TIMEOUT: u32 = 20;

/// What came of an attempt, and what the endpoint wants.
pub(super) struct Outcome {
    /// What is kept of it.
    pub attempt: Attempt,
    /// Whether the endpoint took it.
    pub is_success: bool,
    /// Whether the endpoint is gone for good.
    pub is_gone: bool,
    /// Whether nothing could be sent for no fault of the endpoint's.
    pub is_ours: bool,
    /// For how many seconds it wants to be left in peace.
    pub retry_after: Option<i64>,
}

impl Outcome {
    /// Nothing can be sent, which does not count against the endpoint.
    pub fn ours(at: Timestamp, problem: String) -> Self {
        let problem = Some(problem);
        let attempt = Attempt { at, status_code: None, problem, milliseconds: 0, response: None };
        Self { is_ours: true, ..failed(attempt) }
    }

    /// For how many seconds it wants to get nothing at all: it has too much to do, or is not there.
    pub fn wants_peace_for(&self) -> Option<i64> {
        let is_busy = matches!(self.attempt.status_code, Some(429 | 503));
        self.retry_after.filter(|_| is_busy)
    }

    /// Whether the endpoint failed.
    pub fn counts_against(&self) -> bool {
        !self.is_success && !self.is_ours
    }
}

/// Sends an event to an endpoint. An event that cannot be sent at all has failed like one that was
/// refused, so that it holds up no other.
pub(super) async fn attempt<P: Platform>(
    platform: &P,
    endpoint: &WebhookEndpoint,
    secrets: &[String],
    due: &Due,
) -> Outcome {
    let at = platform.now();
    let attempt = |status_code, problem, milliseconds, response| Attempt {
        at,
        status_code,
        problem,
        milliseconds,
        response,
    };
    let body = match body(due) {
        Ok(_) if secrets.is_empty() => {
            return Outcome::ours(at, "No secret of the endpoint can be opened.".to_owned());
        }
        Ok(body) => body,
        Err(error) => return Outcome::ours(at, error.to_string()),
    };
    if let Some(Refused { problem, is_ours }) =
        refuse(platform, &endpoint.url, endpoint.livemode).await
    {
        return Outcome { is_ours, ..failed(attempt(None, Some(problem), 0, None)) };
    }
    let request = match request(endpoint, secrets, body, at) {
        Ok(request) => request,
        Err(error) => return failed(attempt(None, Some(error.to_string()), 0, None)),
    };
    let sent = platform.send(request, TIMEOUT).await;
    match sent.answer {
        Err(problem) => failed(attempt(None, Some(problem), sent.milliseconds, None)),
        Ok(answered) => Outcome {
            attempt: attempt(
                Some(answered.status.into()),
                None,
                sent.milliseconds,
                Some(answered.body),
            ),
            is_success: (200..300).contains(&answered.status),
            is_gone: answered.status == 410,
            is_ours: false,
            retry_after: answered.retry_after.and_then(|wish| peace(wish.trim(), platform.now())),
        },
    }
}

/// For how many seconds another server asks to be left in peace: it names them, or the date when they are over.
pub(crate) fn peace(wish: &str, now: Timestamp) -> Option<i64> {
    wish.parse().ok().or_else(|| {
        let date = httpdate::parse_http_date(wish).ok()?;
        let seconds = date.duration_since(UNIX_EPOCH).ok()?.as_secs();
        Some(i64::try_from(seconds).ok()?.saturating_sub(now.seconds()))
    })
}

/// What is sent of an event: its id, and itself.
fn body(due: &Due) -> Result<(&str, String), Inconsistent> {
    let shown = due.shown.as_ref().map_err(Clone::clone)?;
    let data = shown.event.raw_data()?;
    let resource = resource::json(&shown.event.resource(&data, shown.pending_webhooks));
    let body = resource.get().to_owned();
    Ok((shown.event.id.as_str(), body))
}

/// What tells an endpoint of an event.
fn request(
    endpoint: &WebhookEndpoint,
    secrets: &[String],
    (id, body): (&str, String),
    at: Timestamp,
) -> http::Result<http::Request<String>> {
    http::Request::post(&endpoint.url)
        .header("content-type", "application/json; charset=utf-8")
        .header("user-agent", "Florin/1.0 (+webhooks)")
        .header("stripe-signature", signature::stripe(secrets, at, &body))
        .header("webhook-id", id)
        .header("webhook-timestamp", at.seconds().to_string())
        .header("webhook-signature", signature::standard(secrets, id, at, &body))
        .body(body)
}

fn failed(attempt: Attempt) -> Outcome {
    Outcome { attempt, is_success: false, is_gone: false, is_ours: false, retry_after: None }
}

/// Why nothing may be sent to a URL.
pub(crate) struct Refused {
    /// What is wrong.
    pub problem: String,
    /// Whether nobody could be asked where the name leads, for which the URL is not to blame.
    pub is_ours: bool,
}

/// Why nothing may be sent there: the merchant's name for it may lead elsewhere by now.
pub(crate) async fn refuse<P: Platform>(
    platform: &P,
    url: &str,
    livemode: bool,
) -> Option<Refused> {
    let refused = |problem| Some(Refused { problem, is_ours: false });
    let allows_local = platform.is_development();
    let host = match target::check(url, livemode, allows_local) {
        Ok(host) => host,
        Err(refusal) => return refused(refusal.to_string()),
    };
    // An address was checked by its literal.
    if allows_local || host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok() {
        return None;
    }
    match platform.addresses(&host).await {
        Ok(Ok(addresses)) if addresses.is_empty() => refused(format!("{host} has no address.")),
        Ok(Ok(addresses)) if addresses.iter().all(|address| target::is_public(*address)) => None,
        Ok(Ok(_)) => refused(format!("{host} leads to an address that is not public.")),
        Ok(Err(problem)) => refused(problem),
        Err(error) => Some(Refused { problem: error.to_string(), is_ours: true }),
    }
}
