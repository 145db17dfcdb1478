//! What only a developer's machine answers: moving the clock, and showing the mail that it would have sent.

use domain::Timestamp;
use flows::Platform;
use http::{Method, Request};
use serde_json::json;
use store::{Database, development_outbox};
use worker::Response;

use crate::platform::CloudflarePlatform;
use crate::{clock, heartbeat};

/// Answers a request to the development endpoints; nothing for every other, and nothing at all
/// where this is no developer's machine.
pub async fn answer(
    platform: &CloudflarePlatform,
    request: &Request<Vec<u8>>,
) -> Option<Result<Response, String>> {
    if !platform.is_development() {
        return None;
    }
    match (request.method(), request.uri().path()) {
        (&Method::POST, "/_development/clock") => Some(advance(platform, request.body()).await),
        (&Method::GET, "/_development/outbox") => Some(outbox(platform).await),
        _ => None,
    }
}

/// The latest mails, the newest first.
async fn outbox(platform: &CloudflarePlatform) -> Result<Response, String> {
    let found = platform.database().batch(vec![development_outbox::latest()]).await;
    let found = found.map_err(|error| error.to_string())?;
    let mails: Vec<_> = found.into_iter().flat_map(|rows| rows.0).map(|row| row.0).collect();
    Response::from_json(&json!({ "data": mails })).map_err(|error| error.to_string())
}

async fn advance(platform: &CloudflarePlatform, body: &[u8]) -> Result<Response, String> {
    let seconds = form_urlencoded::parse(body)
        .find(|(name, _)| name == "advance")
        .and_then(|(_, value)| value.parse::<i64>().ok())
        .filter(|seconds| (0..=10 * 365 * 86_400).contains(seconds));
    let Some(seconds) = seconds else {
        return Response::error("advance must be a number of seconds, 0 to ten years", 400)
            .map_err(|error| error.to_string());
    };
    clock::advance(platform, seconds).await.map_err(|error| error.to_string())?;
    let Timestamp(now) = clock::now();
    // What became due by this is done at once.
    heartbeat::poke(platform.env(), &[Timestamp(0)]).await?;
    Response::from_json(&json!({"now": now, "ahead_seconds": clock::ahead()}))
        .map_err(|error| error.to_string())
}
