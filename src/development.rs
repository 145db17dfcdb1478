//! What only a developer's machine answers: moving the clock.

use domain::Timestamp;
use flows::Platform;
use http::{Method, Request};
use serde_json::json;
use worker::Response;

use crate::platform::CloudflarePlatform;
use crate::{clock, heartbeat};

/// Answers a request to the development endpoints; nothing for every other, and nothing at all
/// where this is no developer's machine.
pub async fn answer(
    platform: &CloudflarePlatform,
    request: &Request<Vec<u8>>,
) -> Option<Result<Response, String>> {
    let is_clock = request.uri().path() == "/_development/clock";
    if !platform.is_development() || !is_clock || request.method() != Method::POST {
        return None;
    }
    Some(advance(platform, request.body()).await)
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
    heartbeat::poke(platform.env(), Timestamp(0)).await?;
    Response::from_json(&json!({"now": now, "ahead_seconds": clock::ahead()}))
        .map_err(|error| error.to_string())
}
