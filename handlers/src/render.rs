//! Responses: JSON bodies with the headers that Stripe's clients read.

use domain::ApiError;
use domain::error::Retry;
use domain::resource::{Json, json};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde::Serialize;

use crate::indent::indent;

/// A response whose body is complete.
pub type Reply = Response<Vec<u8>>;

/// In a response's extensions: its body is in the bucket of files, and sent from there as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The names of the objects, in order.
    pub parts: Vec<String>,
    /// How many bytes they have.
    pub size: i64,
}

/// A body with its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body as JSON.
    pub body: String,
    /// Whether the client may send the request again, where its own rule is not to decide.
    pub retry: Option<Retry>,
}

impl Answer {
    /// The answer that shows a resource.
    pub fn shown(resource: &Json) -> Self {
        Self { status: 200, body: pretty(resource), retry: None }
    }

    /// The answer that says what is wrong.
    pub fn error(error: &ApiError) -> Self {
        Self {
            status: error.status(),
            body: pretty(&json(&Told { error: error.parts() })),
            retry: error.retry(),
        }
    }
}

/// The body of an error.
#[derive(Serialize)]
struct Told<T> {
    error: T,
}

/// Stripe indents by two spaces, and people read these bodies with curl.
fn pretty(json: &Json) -> String {
    let mut text = indent(json.get());
    text.push('\n');
    text
}

/// A JSON response.
pub fn reply(answer: Answer) -> Reply {
    let mut reply = Response::new(answer.body.into_bytes());
    *reply.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(retry) = answer.retry {
        let retry = if retry == Retry::Yes { "true" } else { "false" };
        headers.insert("stripe-should-retry", HeaderValue::from_static(retry));
    }
    if answer.status == 503 {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if answer.status == 401 {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"Stripe\""));
    }
    reply
}

/// Adds a header whose value came from outside; a value that HTTP cannot carry is left out.
pub fn add_header(reply: &mut Reply, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(HeaderName::from_static(name), value);
    }
}
