//! Requests and responses between the runtime's types and the `http` crate's.

use handlers::render::{Reply, Stored};
use http::HeaderName;
use http::request::Builder;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::{Promise, Uint8Array};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Env, Headers, Request, Response, Result};

use crate::{database, files};

#[wasm_bindgen(inline_js = r#"
// A body that says nothing of its length, as far as the limit and a little further.
export async function read(body, limit) {
  const chunks = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size > limit) break;
  }
  const bytes = new Uint8Array(size);
  let place = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, place);
    place += chunk.byteLength;
  }
  return bytes;
}
"#)]
extern "C" {
    #[wasm_bindgen(js_name = read)]
    fn read_body(body: &JsValue, limit: u32) -> Promise;
}

/// Reads a request with its body. Of a body that is over the limit no more is read than shows that.
///
/// # Errors
/// When the client goes away before the end of the body: what has come of it may say something else than
/// the whole, and must not be carried out.
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
    let body = match (announced, request.inner().body()) {
        (Some(length), _) if length > limit => vec![0; limit.saturating_add(1)],
        (Some(length), _) => {
            let body = request.bytes().await.map_err(|error| error.to_string())?;
            if body.len() != length {
                return Err(format!("{} of {length} bytes have come", body.len()));
            }
            body
        }
        (None, Some(body)) => {
            let limit = u32::try_from(limit).unwrap_or(u32::MAX);
            let body = JsFuture::from(read_body(&body, limit)).await;
            Uint8Array::new(&body.map_err(|error| database::message(&error))?).to_vec()
        }
        (None, None) => Vec::new(),
    };
    builder.body(body).map_err(|error| error.to_string())
}

/// The answer to a request that could not be read; most often nobody hears it any more.
///
/// # Errors
/// When the runtime refuses it.
pub fn unreadable(problem: &str) -> std::result::Result<Response, String> {
    worker::console_warn!("a request could not be read: {problem}");
    let body = "{\"error\": {\"message\": \"The request could not be read to its end, and nothing was \
                done.\", \"type\": \"invalid_request_error\"}}\n";
    json(body, 400).map_err(|error| error.to_string())
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
    json(body, 500)
}

fn json(body: &str, status: u16) -> Result<Response> {
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    Ok(Response::ok(body)?.with_status(status).with_headers(headers))
}
