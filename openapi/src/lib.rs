//! The API's own description, in the Worker's JavaScript and not in its WebAssembly: there it would have to be
//! loaded before the first payment, and be an eighth of what the Worker may weigh in data.
//!
//! `handlers` makes it (`handlers/src/openapi`). It is a crate of its own because wasm-bindgen looks for a
//! `package.json` beside that of a crate which brings a file of JavaScript.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(module = "/openapi.js")]
extern "C" {
    /// The description of every endpoint, as JSON (OpenAPI 3.1).
    pub fn description() -> String;
}
