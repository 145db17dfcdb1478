//! How Rust waits for JavaScript: a future goes on in a microtask once its promise is settled.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(inline_js = r#"
export function replace_queue_microtask() {
  globalThis.queueMicrotask = (callback) => { Promise.resolve().then(callback); };
}
export function tell_of_traps() {
  globalThis.addEventListener("unhandledrejection", ({ reason }) => { console.error(`unhandled: ${reason?.stack ?? reason}`); });
}
"#)]
extern "C" {
    /// Has what ends a future from within be logged, as a stack that is used up: its request is only told to have hung.
    pub fn tell_of_traps();

    /// Has futures go on by a promise's own means. They would by the runtime's `queueMicrotask`, which leaves JavaScript
    /// and comes back, each time that one of them goes on.
    pub fn replace_queue_microtask();
}
