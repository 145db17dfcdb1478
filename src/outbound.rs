//! Requests to other servers: bounded in time and in what is read, redirects not followed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;

use domain::webhook::{delivery, resolution};
use flows::platform::{Answered, Sent};
use serde_json::json;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::Promise;
use worker::wasm_bindgen::JsCast;
use worker::wasm_bindgen_futures::JsFuture;

use crate::{clock, database};

/// The most of an answer that is read, in bytes.
const READ: u32 = 64_000;

// A request and its answer cross as one each: most of what a payment at a processor takes longer than one at the simulator
// is this. The clock is stopped with the answer: those of `AbortSignal.timeout` go on to their end, thousands at a time.
#[wasm_bindgen(inline_js = r#"
export async function exchange(url, request, timeout, most) {
  const limit = new AbortController();
  const clock = setTimeout(() => limit.abort(), timeout * 1000);
  try {
    const { signal } = limit;
    const { status, headers, body } = await fetch(url, { ...JSON.parse(request), redirect: "manual", signal });
    return { status, retryAfter: headers.get("retry-after"), body: body ? await beginning(body, most) : new Uint8Array() };
  } catch (error) {
    throw limit.signal.aborted ? new Error(`No answer within ${timeout} s.`) : error;
  } finally {
    clearTimeout(clock);
  }
}

// However a body ends, the status has been told. Whoever sends without end is not listened to any longer. As an iterator a
// body takes a quarter of a payment's request longer.
async function beginning(body, most) {
  const chunks = [];
  let size = 0;
  try {
    const reader = body.getReader();
    for (let part; size < most && !(part = await reader.read()).done; size += part.value.byteLength) {
      chunks.push(part.value);
    }
    if (size >= most) await reader.cancel();
  } catch {}
  const [first = new Uint8Array()] = chunks;
  const whole = chunks.length > 1 ? new Uint8Array(await new Blob(chunks).arrayBuffer()) : first;
  return whole.subarray(0, most);
}
"#)]
extern "C" {
    /// What another server answered.
    type Heard;

    #[wasm_bindgen(method, getter)]
    fn status(this: &Heard) -> u16;

    #[wasm_bindgen(method, getter, js_name = retryAfter)]
    fn retry_after(this: &Heard) -> Option<String>;

    /// Its body as it came.
    #[wasm_bindgen(method, getter)]
    fn body(this: &Heard) -> Vec<u8>;

    fn exchange(url: &str, request: &str, timeout: u32, most: u32) -> Promise;
}

/// How long an answer of DNS holds, in milliseconds.
const RESOLVED_FOR: i64 = 10_000;

/// Who is asked for addresses, over HTTPS
/// (<https://developers.cloudflare.com/1.1.1.1/encryption/dns-over-https/make-api-requests/dns-json/>).
const RESOLVER: &str = "https://cloudflare-dns.com/dns-query";

/// The most of a processor's answer that is read, in bytes: one of a hundred refunds fits.
const ANSWER: u32 = 1_000_000;

/// Sends a request and keeps the beginning of the answer.
pub async fn send(request: http::Request<String>, timeout: u32) -> Sent {
    let began = clock::milliseconds();
    let heard = answer(&request, timeout, READ).await;
    let answer = heard.map(|heard| answered(&heard, delivery::beginning(&heard.body())));
    Sent { milliseconds: clock::milliseconds().saturating_sub(began), answer }
}

/// Sends a request to a payment processor and reads all of the answer.
///
/// # Errors
/// When none came.
pub async fn ask(request: http::Request<String>, timeout: u32) -> Result<Answered, String> {
    let heard = answer(&request, timeout, ANSWER).await?;
    let body = String::from_utf8(heard.body())
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Ok(answered(&heard, body))
}

fn answered(heard: &Heard, body: String) -> Answered {
    Answered { status: heard.status(), retry_after: heard.retry_after(), body }
}

/// Sends a request and reads the answer's body, of which so many bytes at most.
async fn answer(request: &http::Request<String>, timeout: u32, most: u32) -> Result<Heard, String> {
    let headers: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()))
        .collect();
    let body = Some(request.body()).filter(|body| !body.is_empty());
    let said = json!({ "method": request.method().as_str(), "headers": headers, "body": body });
    let answer = exchange(&request.uri().to_string(), &said.to_string(), timeout, most);
    let heard = JsFuture::from(answer).await.map_err(|error| database::message(&error))?;
    Ok(heard.unchecked_into())
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
    let heard = answer(&request, 5, READ).await?;
    match heard.status() {
        200 => resolution::addresses(&heard.body()),
        status => Err(format!("DNS answered {status}")),
    }
}
