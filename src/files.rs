//! The bucket of files on R2, and time zones: what JavaScript does best.

use std::pin::pin;

use futures_util::future::{Either, select};
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;
use worker::js_sys::Promise;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::ReadableStream;

use crate::{database, queue};

#[wasm_bindgen(inline_js = r#"
export async function put(env, name, bytes) {
  await env.FILES.put(name, bytes);
}

// The objects one after the other, as one stream of so many bytes. A client sees a stream that breaks off as
// what it is, since its length was announced.
export function concatenated(env, names, size) {
  const { readable, writable } = new FixedLengthStream(size);
  const pump = async () => {
    for (const name of names.split("\n")) {
      const object = await env.FILES.get(name);
      if (object === null) throw new Error(`the object ${name} is missing`);
      await object.body.pipeTo(writable, { preventClose: true });
    }
    await writable.close();
  };
  pump().catch((error) => {
    console.error(`a file broke off: ${error}`);
    return writable.abort(error).catch(() => {});
  });
  return readable;
}

const formats = new Map();

function format(zone) {
  let known = formats.get(zone);
  if (known === undefined) {
    const two = "2-digit";
    known = new Intl.DateTimeFormat("en-US", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: two, day: two, hour: two, minute: two, second: two,
    });
    // Zones have few names, but those can be spelt in any case.
    if (formats.size >= 50) formats.clear();
    formats.set(zone, known);
  }
  return known;
}

export function offset(zone, seconds) {
  try {
    const parts = {};
    for (const { type, value } of format(zone).formatToParts(seconds * 1000)) parts[type] = Number(value);
    const { year, month, day, hour, minute, second } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - seconds;
  } catch {
    return undefined;
  }
}
"#)]
extern "C" {
    #[wasm_bindgen(js_name = put)]
    fn put_object(env: &JsValue, name: &str, bytes: &[u8]) -> Promise;
    fn concatenated(env: &JsValue, names: &str, size: f64) -> ReadableStream;
    fn offset(zone: &str, seconds: f64) -> Option<f64>;
}

/// How long R2 may take, in milliseconds.
const R2_TAKES: i64 = 10_000;

/// What R2 answers. A bucket that does not answer must hold up neither a reader nor the heartbeat.
///
/// # Errors
/// Says what R2 said, or that it did not answer in time.
pub async fn soon(answer: Promise) -> Result<JsValue, String> {
    match select(JsFuture::from(answer), pin!(queue::pause(R2_TAKES))).await {
        Either::Left((answer, _)) => answer.map_err(|error| database::message(&error)),
        Either::Right(_) => Err("R2 did not answer in time".to_owned()),
    }
}

/// Keeps an object.
///
/// # Errors
/// Says what R2 said, or that it did not answer in time.
pub async fn put(env: &Env, name: &str, bytes: &[u8]) -> Result<(), String> {
    soon(put_object(env.as_ref(), name, bytes)).await.map(drop)
}

/// Objects as one body that is never in memory as a whole.
#[expect(clippy::cast_precision_loss, reason = "no file has 2^53 bytes")]
pub fn body(env: &Env, names: &[String], size: i64) -> ReadableStream {
    concatenated(env.as_ref(), &names.join("\n"), size as f64)
}

/// How far a zone is ahead of UTC then, in seconds.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "seconds are far below 2^53"
)]
pub fn utc_offset(zone: &str, seconds: i64) -> Option<i64> {
    offset(zone, seconds as f64).map(|seconds| seconds as i64)
}
