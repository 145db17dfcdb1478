//! Requests to other servers: bounded in time and in what is read, redirects not followed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;

use flows::platform::{Answered, Sent};
use serde::Deserialize;
use worker::js_sys::{Reflect, Uint8Array, global};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{
    AbortSignal, Headers, ReadableStreamDefaultReader, RequestInit, RequestRedirect, Response,
    WorkerGlobalScope,
};

use crate::clock;

/// The most of an answer that is read, in bytes.
const READ: usize = 64_000;

/// The most of an answer that is kept, in bytes.
const KEPT: usize = 4_000;

/// How long an answer of DNS holds, in milliseconds.
const RESOLVED_FOR: i64 = 10_000;

/// Who is asked for addresses, over HTTPS.
const RESOLVER: &str = "https://cloudflare-dns.com/dns-query";

/// The most of a processor's answer that is read, in bytes: one of a hundred refunds fits.
const ANSWER: usize = 1_000_000;

/// Sends a request and reads the beginning of the answer.
pub async fn send(request: http::Request<String>, timeout: u32) -> Sent {
    let began = clock::milliseconds();
    let answer = answer(request, timeout, READ, KEPT).await;
    Sent { milliseconds: clock::milliseconds().saturating_sub(began), answer }
}

/// Sends a request to a payment processor and reads all of the answer.
///
/// # Errors
/// When none came.
pub async fn ask(request: http::Request<String>, timeout: u32) -> Result<Answered, String> {
    answer(request, timeout, ANSWER, ANSWER).await
}

async fn answer(
    request: http::Request<String>,
    timeout: u32,
    most: usize,
    keeps: usize,
) -> Result<Answered, String> {
    let signal = AbortSignal::timeout_with_u32(timeout.saturating_mul(1_000));
    match fetch(&request, &signal).await {
        Ok(response) => Ok(Answered {
            status: response.status(),
            retry_after: response.headers().get("retry-after").ok().flatten(),
            body: read(&response, most, keeps).await,
        }),
        Err(_) if signal.aborted() => Err(format!("No answer within {timeout} s.")),
        Err(error) => Err(told(&error)),
    }
}

async fn fetch(request: &http::Request<String>, signal: &AbortSignal) -> Result<Response, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in request.headers() {
        headers.append(name.as_str(), value.to_str().unwrap_or_default())?;
    }
    let init = RequestInit::new();
    init.set_method(request.method().as_str());
    init.set_headers(&headers);
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(signal));
    if !request.body().is_empty() {
        init.set_body(&request.body().as_str().into());
    }
    let scope: WorkerGlobalScope = global().unchecked_into();
    let promise = scope.fetch_with_str_and_init(&request.uri().to_string(), &init);
    Ok(JsFuture::from(promise).await?.unchecked_into())
}

/// The beginning of an answer's body. However it ends, the status has been told.
async fn read(response: &Response, most: usize, keeps: usize) -> String {
    let Some(stream) = response.body() else { return String::new() };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let (mut kept, mut length) = (Vec::new(), 0_usize);
    while length < most {
        let Ok(chunk) = JsFuture::from(reader.read()).await else { break };
        let value = Reflect::get(&chunk, &"value".into()).unwrap_or_default();
        let Some(bytes) = value.dyn_ref::<Uint8Array>() else { break };
        let bytes = bytes.to_vec();
        length = length.saturating_add(bytes.len());
        kept.extend(bytes.into_iter().take(keeps.saturating_sub(kept.len())));
    }
    // Whoever sends without end is not listened to any longer; whether they hear of it is theirs.
    drop(JsFuture::from(reader.cancel()).await);
    String::from_utf8_lossy(&kept).into_owned()
}

fn told(error: &JsValue) -> String {
    let message = Reflect::get(error, &"message".into()).ok().and_then(|text| text.as_string());
    message.unwrap_or_else(|| "The connection failed.".to_owned())
}

thread_local! {
    /// What DNS said of hosts, and until when that holds.
    static RESOLVED: RefCell<BTreeMap<String, (i64, Vec<IpAddr>)>> = const { RefCell::new(BTreeMap::new()) };
}

/// An answer of DNS over HTTPS
/// (<https://developers.cloudflare.com/1.1.1.1/encryption/dns-over-https/make-api-requests/dns-json/>).
#[derive(Deserialize)]
struct Resolution {
    #[serde(rename = "Answer", default)]
    answer: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    data: String,
}

/// The addresses of a host, as DNS says now.
///
/// # Errors
/// When it does not answer.
pub async fn addresses(host: &str) -> Result<Vec<IpAddr>, String> {
    let now = clock::milliseconds();
    let known = RESOLVED.with_borrow_mut(|resolved| {
        resolved.retain(|_, (until, _)| *until > now);
        resolved.get(host).map(|(_, addresses)| addresses.clone())
    });
    if let Some(addresses) = known {
        return Ok(addresses);
    }
    let mut addresses = Vec::new();
    for kind in ["A", "AAAA"] {
        addresses.extend(resolve(host, kind).await?);
    }
    RESOLVED.with_borrow_mut(|resolved| {
        resolved.insert(host.to_owned(), (now.saturating_add(RESOLVED_FOR), addresses.clone()))
    });
    Ok(addresses)
}

async fn resolve(host: &str, kind: &str) -> Result<Vec<IpAddr>, String> {
    let request = http::Request::get(format!("{RESOLVER}?name={host}&type={kind}"))
        .header("accept", "application/dns-json")
        .body(String::new())
        .map_err(|error| error.to_string())?;
    let answered = send(request, 5).await.answer?;
    if answered.status != 200 {
        return Err(format!("DNS answered {}", answered.status));
    }
    let resolution: Resolution =
        serde_json::from_str(&answered.body).map_err(|error| error.to_string())?;
    // What leads to another name is a record, too.
    Ok(resolution.answer.iter().filter_map(|record| record.data.parse().ok()).collect())
}
