//! Asking a Durable Object.

use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::Promise;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{RequestInit, Response};
use worker::{Env, Result};

#[wasm_bindgen]
extern "C" {
    /// A stub. `worker`'s own makes a request of each question first, and reads the answer as a
    /// stream, chunk by chunk: together that costs more than the object's whole work.
    type Stub;

    #[wasm_bindgen(method, catch)]
    fn fetch(
        this: &Stub,
        url: &str,
        init: &RequestInit,
    ) -> std::result::Result<Promise<JsValue>, JsValue>;
}

/// What an object answered: the status, and a text unless the status says that there is none.
pub struct Answer {
    /// 204 for an answer without a text.
    pub status: u16,
    /// The text.
    pub text: String,
}

/// Asks the object of this name behind a binding.
///
/// # Errors
/// When the object cannot be reached, or breaks.
pub async fn ask(
    env: &Env,
    binding: &str,
    name: &str,
    url: &str,
    question: &str,
) -> Result<Answer> {
    let stub: Stub = env.durable_object(binding)?.get_by_name(name)?.into_rpc();
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&question.into());
    let response: Response = JsFuture::from(stub.fetch(url, &init)?).await?.unchecked_into();
    let status = response.status();
    let text = match status {
        204 => String::new(),
        _ => JsFuture::from(response.text()?).await?.as_string().unwrap_or_default(),
    };
    Ok(Answer { status, text })
}
