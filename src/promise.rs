//! How Rust waits for JavaScript: a future goes on in a microtask once its promise is settled.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(inline_js = r#"
export function shorten() {
  globalThis.queueMicrotask = (callback) => { Promise.resolve().then(callback); };
}
"#)]
extern "C" {
    /// Lets futures go on by a promise's own means. They would by `queueMicrotask`, for which the runtime leaves
    /// JavaScript and comes back: some twenty times in a payment, a thirtieth of its time.
    pub fn shorten();
}
