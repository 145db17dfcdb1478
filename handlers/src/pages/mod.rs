//! What people see: pages on our own host, outside the API.

use flows::Platform;
use http::{Request, Response, StatusCode};

use crate::render::Reply;

/// Answers a request outside the API.
pub async fn answer<P: Platform>(_platform: &P, _request: &Request<Vec<u8>>) -> Reply {
    let mut reply = Response::new(b"Not found.\n".to_vec());
    *reply.status_mut() = StatusCode::NOT_FOUND;
    reply
}
