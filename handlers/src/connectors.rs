//! `POST /connectors/{connector}/webhooks/{connector_account}`: what payment processors tell unasked.
//!
//! No key opens it but the processor's signature. A stranger learns nothing but that it was not believed.

use flows::connector_webhooks::{Delivery, Received, receive};
use flows::{Failure, Platform};
use http::{Method, Request, Response, StatusCode};

use crate::dispatch::MAX_BODY;
use crate::render::{Reply, add_header};

/// The path before the connector's name.
pub const PREFIX: &str = "/connectors/";

/// Answers a delivery. A processor sends again what is answered otherwise than by 200.
pub async fn answer<P: Platform>(platform: &P, request: &Request<Vec<u8>>) -> Reply {
    let status = match taken(platform, request).await {
        Ok(Received::Kept) => StatusCode::OK,
        Ok(Received::NotFound) => StatusCode::NOT_FOUND,
        Ok(Received::Refused) => StatusCode::BAD_REQUEST,
        Ok(Received::Unclear) => StatusCode::SERVICE_UNAVAILABLE,
        Err(failure) => {
            platform.log_error(request.uri().path(), &failure.to_string());
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    let received = if status.is_success() { "{\"received\": true}\n" } else { "" };
    let mut reply = Response::new(received.as_bytes().to_vec());
    *reply.status_mut() = status;
    add_header(&mut reply, "content-type", "application/json");
    add_header(&mut reply, "cache-control", "no-store");
    reply
}

async fn taken<P: Platform>(platform: &P, request: &Request<Vec<u8>>) -> Result<Received, Failure> {
    let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default();
    let named = path.split_once("/webhooks/").filter(|_| *request.method() == Method::POST);
    match named {
        None => Ok(Received::NotFound),
        Some(_) if request.body().len() > MAX_BODY => Ok(Received::Refused),
        Some((connector, account)) => {
            let (headers, body) = (request.headers(), request.body());
            receive(platform, Delivery { connector, account, headers, body }).await
        }
    }
}
