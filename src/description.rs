//! The API's own description, which anybody may read.

use http::{Method, Request};
use worker::web_sys::Response;

use crate::message;

/// Tools read it from any origin.
const HEADERS: &str = r#"{"content-type":"application/json","access-control-allow-origin":"*"}"#;

/// Answers a request for the description; nothing for every other.
pub fn answer(request: &Request<Vec<u8>>) -> Option<Result<Response, String>> {
    let asks = (request.method(), request.uri().path()) == (&Method::GET, "/openapi.json");
    asks.then(|| message::text(200, HEADERS, &openapi::description()))
}
