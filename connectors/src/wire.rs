//! How a request to a processor is put together.

use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Method, Request};

use crate::command::Unsupported;

/// A header's name and value.
pub(crate) type Header<'a> = (HeaderName, &'a str);

/// The header by which an account at Hyperswitch is opened.
pub(crate) const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// The header that carries our key.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A request with these headers. Each is marked as a secret, so that printing it shows none, whichever they are.
pub(crate) fn build(
    method: Method,
    url: String,
    headers: &[Header<'_>],
    content: Option<(&'static str, String)>,
) -> Result<Request<String>, Unsupported> {
    let mut builder = Request::builder().method(method).uri(url);
    for (name, text) in headers {
        let mut value = HeaderValue::from_str(text).map_err(|_| Unsupported::Account)?;
        value.set_sensitive(true);
        builder = builder.header(name, value);
    }
    let mut body = String::new();
    if let Some((content_type, text)) = content {
        builder = builder.header(CONTENT_TYPE, HeaderValue::from_static(content_type));
        body = text;
    }
    builder.body(body).map_err(|_| Unsupported::Account)
}
