//! Requests and responses between the runtime's types and the `http` crate's.

use std::iter::once;

use connectors::Connector;
use handlers::render::{Reply, Stored};
use http::HeaderName;
use http::request::Builder;
use serde_json::Value;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::{Array, Promise, Uint8Array};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{ReadableStream, Request, Response};
use worker::{Env, Result};

use crate::{database, files};

// What is said before the body comes and goes as one text: each header that crosses into or out of
// WebAssembly by itself costs as much.
#[wasm_bindgen(inline_js = r#"
export function head(request, names) {
  const { method, url, headers } = request;
  return JSON.stringify([method, url, ...names.map((name) => headers.get(name))]);
}

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

// No header comes twice. The memory that a body lies in goes on being used.
export function respond(status, headers, body) {
  return new Response(body.length > 0 ? body.slice() : null, { status, headers: JSON.parse(headers) });
}

export function stream(status, headers, body) {
  return new Response(body, { status, headers: JSON.parse(headers) });
}
"#)]
extern "C" {
    fn head(request: &Request, names: &Array) -> String;
    #[wasm_bindgen(js_name = read)]
    fn read_body(body: &JsValue, limit: u32) -> Promise;
    #[wasm_bindgen(catch)]
    fn respond(status: u16, headers: &str, body: &[u8]) -> std::result::Result<Response, JsValue>;
    #[wasm_bindgen(catch)]
    fn stream(
        status: u16,
        headers: &str,
        body: ReadableStream,
    ) -> std::result::Result<Response, JsValue>;
}

/// How a client says how long its body is.
const LENGTH: &str = "content-length";

thread_local! {
    /// The headers that are read, as JavaScript has them.
    static NAMES: Array = once(LENGTH).chain(names()).map(JsValue::from_str).collect();
}

/// The headers that are read.
fn names() -> impl Iterator<Item = &'static str> {
    let signatures = Connector::ALL.iter().filter_map(|connector| connector.signature_header());
    handlers::HEADERS.into_iter().chain(signatures)
}

/// Reads a request with its body. Of a body that is over the limit no more is read than shows that.
///
/// # Errors
/// When the client goes away before the end of the body: what has come of it may say something else than
/// the whole, and must not be carried out.
pub async fn read(
    request: Request,
    limit: usize,
) -> std::result::Result<http::Request<Vec<u8>>, String> {
    let Head { builder, length } = Head::of(&request)?;
    let body = match length {
        Some(length) if length > limit => vec![0; limit.saturating_add(1)],
        Some(length) => {
            let body = request.array_buffer().map(JsFuture::from).map_err(told)?;
            let body = Uint8Array::new(&body.await.map_err(told)?).to_vec();
            if body.len() != length {
                return Err(format!("{} of {length} bytes have come", body.len()));
            }
            body
        }
        None => match request.body() {
            Some(body) => {
                let limit = u32::try_from(limit).unwrap_or(u32::MAX);
                let body = JsFuture::from(read_body(&body, limit)).await.map_err(told)?;
                Uint8Array::new(&body).to_vec()
            }
            None => Vec::new(),
        },
    };
    builder.body(body).map_err(|error| error.to_string())
}

/// What a request says before its body.
struct Head {
    builder: Builder,
    /// How many bytes its body is said to have.
    length: Option<usize>,
}

impl Head {
    fn of(request: &Request) -> std::result::Result<Self, String> {
        let said: Vec<Value> = match serde_json::from_str(&NAMES.with(|names| head(request, names)))
        {
            Ok(Value::Array(said)) => said,
            _ => return Err("its head cannot be read".to_owned()),
        };
        let mut said = said.into_iter();
        let mut next = || match said.next() {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let (method, url, length) = (next(), next(), next());
        let mut builder = http::Request::builder()
            .method(method.unwrap_or_default().as_str())
            .uri(url.unwrap_or_default());
        for name in names() {
            if let Some(value) = next() {
                builder = builder.header(HeaderName::from_static(name), value);
            }
        }
        Ok(Self { builder, length: length.and_then(|length| length.parse().ok()) })
    }
}

fn told(error: JsValue) -> String {
    database::message(&error)
}

/// The answer to a request that could not be read; most often nobody hears it any more.
///
/// # Errors
/// When the runtime refuses it.
pub fn unreadable(problem: &str) -> std::result::Result<Response, String> {
    worker::console_warn!("a request could not be read: {problem}");
    let body = "{\"error\": {\"message\": \"The request could not be read to its end, and nothing was \
                done.\", \"type\": \"invalid_request_error\"}}\n";
    json(body, 400)
}

/// Writes a response.
///
/// # Errors
/// When the runtime refuses it.
pub fn write(reply: Reply, env: &Env) -> std::result::Result<Response, String> {
    let (parts, body) = reply.into_parts();
    let mut headers = serde_json::Map::new();
    for (name, value) in &parts.headers {
        if let Ok(value) = value.to_str() {
            headers.insert(name.as_str().to_owned(), value.into());
        }
    }
    let headers = serde_json::Value::Object(headers).to_string();
    let status = parts.status.as_u16();
    match parts.extensions.get::<Stored>() {
        Some(Stored { parts, size }) => stream(status, &headers, files::body(env, parts, *size)),
        None => respond(status, &headers, &body),
    }
    .map_err(told)
}

/// The answer where not even the platform could be set up.
///
/// # Errors
/// When the runtime refuses it.
pub fn broken(problem: &str) -> Result<Response> {
    worker::console_error!("{problem}");
    let body = "{\"error\": {\"message\": \"Florin could not start; its log says why.\", \
                \"type\": \"api_error\"}}\n";
    json(body, 500).map_err(worker::Error::RustError)
}

fn json(body: &str, status: u16) -> std::result::Result<Response, String> {
    text(status, r#"{"content-type":"application/json"}"#, body)
}

/// A response with a text, its headers given as an object in JSON.
///
/// # Errors
/// When the runtime refuses it.
pub fn text(status: u16, headers: &str, body: &str) -> std::result::Result<Response, String> {
    respond(status, headers, body.as_bytes()).map_err(told)
}
