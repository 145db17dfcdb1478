//! The bucket of receipts on R2. What is in it never changes: an object is made or left as it is.

use domain::receipt::Document;
use flows::PlatformError;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;
use worker::js_sys::{Promise, Uint8Array};
use worker::wasm_bindgen::{JsCast, JsValue};

use crate::files::soon;

#[wasm_bindgen(inline_js = r#"
export async function make(env, name, contentType, sha256, bytes) {
  const onlyIf = { etagDoesNotMatch: "*" };
  await env.RECEIPTS.put(name, bytes, { onlyIf, sha256, httpMetadata: { contentType } });
}

export async function find(env, name) {
  const object = await env.RECEIPTS.get(name);
  return object === null ? null : new Uint8Array(await object.arrayBuffer());
}
"#)]
extern "C" {
    fn make(env: &JsValue, name: &str, content_type: &str, sha256: &str, bytes: &[u8]) -> Promise;
    fn find(env: &JsValue, name: &str) -> Promise;
}

/// Keeps a receipt, unless one of its name is there.
///
/// # Errors
/// When R2 does not answer.
pub async fn put(env: &Env, document: &Document) -> Result<(), PlatformError> {
    let Document { name, content_type, sha256, bytes } = document;
    let made = make(env.as_ref(), name, content_type, sha256, bytes);
    soon(made).await.map(drop).map_err(told)
}

/// What a receipt holds, if it is there.
///
/// # Errors
/// When R2 does not answer.
pub async fn get(env: &Env, name: &str) -> Result<Option<Vec<u8>>, PlatformError> {
    let found = soon(find(env.as_ref(), name)).await.map_err(told)?;
    Ok(found.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec))
}

fn told(problem: String) -> PlatformError {
    PlatformError { part: "receipts", problem }
}
