//! Requests and responses between the runtime's types and the `http` crate's.

use handlers::render::{Reply, Stored};
use http::HeaderName;
use http::request::Builder;
use worker::{Env, Headers, Request, Response, Result};

use crate::files;

/// Reads a request with its body. A body that announces more than the limit is not read.
///
/// # Errors
/// When the runtime breaks off.
pub async fn read(
    mut request: Request,
    limit: usize,
) -> std::result::Result<http::Request<Vec<u8>>, String> {
    // `Request::url` would parse it a second time.
    let url = request.inner().url();
    let mut builder: Builder = http::Request::builder().method(request.method().as_ref()).uri(url);
    let header = |name| request.headers().get(name).ok().flatten();
    for name in handlers::HEADERS {
        if let Some(value) = header(name) {
            builder = builder.header(HeaderName::from_static(name), value);
        }
    }
    let announced = header("content-length").and_then(|length| length.parse::<usize>().ok());
    let body = match announced {
        Some(length) if length > limit => vec![0; limit.saturating_add(1)],
        _ => request.bytes().await.unwrap_or_default(),
    };
    builder.body(body).map_err(|error| error.to_string())
}

/// Writes a response.
///
/// # Errors
/// When the runtime refuses it.
pub fn write(reply: Reply, env: &Env) -> std::result::Result<Response, String> {
    let (parts, body) = reply.into_parts();
    let headers = Headers::new();
    for (name, value) in &parts.headers {
        let Ok(value) = value.to_str() else { continue };
        headers.append(name.as_str(), value).map_err(|error| error.to_string())?;
    }
    let status = parts.status.as_u16();
    let response = match parts.extensions.get::<Stored>() {
        Some(Stored { parts, size }) => Ok(files::body(env, parts, *size)),
        None if body.is_empty() => Response::empty(),
        None => Response::from_bytes(body),
    };
    response
        .map(|response| response.with_status(status).with_headers(headers))
        .map_err(|error| error.to_string())
}

/// The answer where not even the platform could be set up.
///
/// # Errors
/// When the runtime refuses it.
pub fn broken(problem: &str) -> Result<Response> {
    worker::console_error!("{problem}");
    let body = "{\"error\": {\"message\": \"Florin is not set up; its log says what is missing.\", \
                \"type\": \"api_error\"}}\n";
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    Ok(Response::ok(body)?.with_status(500).with_headers(headers))
}
