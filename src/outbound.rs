//! Requests to other servers: bounded in time and in what is read, redirects not followed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;

use domain::webhook::{delivery, resolution};
use flows::platform::{Answered, Sent};
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

/// How long an answer of DNS holds, in milliseconds.
const RESOLVED_FOR: i64 = 10_000;

/// Who is asked for addresses, over HTTPS
/// (<https://developers.cloudflare.com/1.1.1.1/encryption/dns-over-https/make-api-requests/dns-json/>).
const RESOLVER: &str = "https://cloudflare-dns.com/dns-query";

/// The most of a processor's answer that is read, in bytes: one of a hundred refunds fits.
const ANSWER: usize = 1_000_000;

/// Sends a request and keeps the beginning of the answer.
pub async fn send(request: http::Request<String>, timeout: u32) -> Sent {
    let began = clock::milliseconds();
    let answer = answer(&request, timeout, READ).await;
    let answer = answer.map(|(response, body)| answered(&response, delivery::beginning(&body)));
    Sent { milliseconds: clock::milliseconds().saturating_sub(began), answer }
}

/// Sends a request to a payment processor and reads all of the answer.
///
/// # Errors
/// When none came.
pub async fn ask(request: http::Request<String>, timeout: u32) -> Result<Answered, String> {
    let (response, body) = answer(&request, timeout, ANSWER).await?;
    Ok(answered(&response, String::from_utf8_lossy(&body).into_owned()))
}

fn answered(response: &Response, body: String) -> Answered {
    let retry_after = response.headers().get("retry-after").ok().flatten();
    Answered { status: response.status(), retry_after, body }
}

/// Sends a request and reads the answer's body, of which so many bytes at most.
async fn answer(
    request: &http::Request<String>,
    timeout: u32,
    most: usize,
) -> Result<(Response, Vec<u8>), String> {
    let signal = AbortSignal::timeout_with_u32(timeout.saturating_mul(1_000));
    match fetch(request, &signal).await {
        Ok(response) => {
            let body = read(&response, most).await;
            Ok((response, body))
        }
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
async fn read(response: &Response, most: usize) -> Vec<u8> {
    let Some(stream) = response.body() else { return Vec::new() };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut body = Vec::new();
    while body.len() < most {
        let Ok(chunk) = JsFuture::from(reader.read()).await else { break };
        let value = Reflect::get(&chunk, &"value".into()).unwrap_or_default();
        let Some(bytes) = value.dyn_ref::<Uint8Array>() else { break };
        body.extend(bytes.to_vec());
        body.truncate(most);
    }
    // Whoever sends without end is not listened to any longer; whether they hear of it is theirs.
    drop(JsFuture::from(reader.cancel()).await);
    body
}

fn told(error: &JsValue) -> String {
    let message = Reflect::get(error, &"message".into()).ok().and_then(|text| text.as_string());
    message.unwrap_or_else(|| "The connection failed.".to_owned())
}

thread_local! {
    /// What DNS said of hosts, and until when that holds.
    static RESOLVED: RefCell<BTreeMap<String, (i64, Vec<IpAddr>)>> = const { RefCell::new(BTreeMap::new()) };
}

/// The addresses of a host, as DNS says now; or what it says is wrong with its name.
///
/// # Errors
/// When the resolver does not answer.
pub async fn addresses(host: &str) -> Result<Result<Vec<IpAddr>, String>, String> {
    let now = clock::milliseconds();
    let known = RESOLVED.with_borrow_mut(|resolved| {
        resolved.retain(|_, (until, _)| *until > now);
        resolved.get(host).map(|(_, addresses)| addresses.clone())
    });
    if let Some(addresses) = known {
        return Ok(Ok(addresses));
    }
    let mut addresses = Vec::new();
    for kind in ["A", "AAAA"] {
        match resolve(host, kind).await? {
            Ok(more) => addresses.extend(more),
            Err(problem) => return Ok(Err(problem)),
        }
    }
    RESOLVED.with_borrow_mut(|resolved| {
        resolved.insert(host.to_owned(), (now.saturating_add(RESOLVED_FOR), addresses.clone()))
    });
    Ok(Ok(addresses))
}

async fn resolve(host: &str, kind: &str) -> Result<Result<Vec<IpAddr>, String>, String> {
    let question = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("name", host), ("type", kind)])
        .finish();
    let request = http::Request::get(format!("{RESOLVER}?{question}"))
        .header("accept", "application/dns-json")
        .body(String::new())
        .map_err(|error| error.to_string())?;
    let (response, body) = answer(&request, 5, READ).await?;
    match response.status() {
        200 => resolution::addresses(&body),
        status => Err(format!("DNS answered {status}")),
    }
}
