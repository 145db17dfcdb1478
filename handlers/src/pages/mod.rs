//! What people see: pages on our own host, outside the API.

pub mod challenge;
pub mod receipt;

use domain::receipt::link;
use flows::{Failure, Platform};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION};
use http::{Method, Request, Response, StatusCode};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::render::{Reply, add_header};

/// The only style sheet; it stands in each page, so that nothing else is ever loaded.
const STYLE: &str = include_str!("style.css");

/// Answers a request outside the API.
pub async fn answer<P: Platform>(platform: &P, request: &Request<Vec<u8>>) -> Reply {
    match routed(platform, request).await {
        Ok(reply) => reply,
        Err(failure) => {
            platform.log_error(request.uri().path(), &failure.to_string());
            let text = html! { p { "Something went wrong on our side. Please try again." } };
            html_page(StatusCode::SERVICE_UNAVAILABLE, "Please try again", &text, None)
        }
    }
}

async fn routed<P: Platform>(platform: &P, request: &Request<Vec<u8>>) -> Result<Reply, Failure> {
    let path = request.uri().path();
    if let Some(id) = path.strip_prefix(challenge::PREFIX) {
        return challenge::answer(platform, request, id).await;
    }
    if let Some(rest) = path.strip_prefix(link::PREFIX) {
        return receipt::answer(platform, request, rest).await;
    }
    let (status, title, text) = match (request.method(), path) {
        (&Method::GET, "/") => (
            StatusCode::OK,
            "Florin is running",
            "Point an official Stripe SDK at this address to take payments.",
        ),
        _ => (StatusCode::NOT_FOUND, "Not found", "There is no such page."),
    };
    Ok(html_page(status, title, &html! { p { (text) } }, None))
}

/// A page that loads nothing, runs nothing, and sends its forms to us (or on to one more origin).
fn html_page(status: StatusCode, title: &str, body: &Markup, form_target: Option<&str>) -> Reply {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (title) }
                    (body)
                }
            }
        }
    };
    let mut reply = Response::new(page.into_string().into_bytes());
    *reply.status_mut() = status;
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors *; \
         form-action 'self' {}",
        form_target.unwrap_or_default()
    );
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    add_header(&mut reply, "content-security-policy", policy.trim_end());
    add_header(&mut reply, "referrer-policy", "no-referrer");
    add_header(&mut reply, "x-content-type-options", "nosniff");
    reply
}

/// Sends the browser elsewhere with a `GET`.
fn redirect(address: &str) -> Reply {
    let mut reply = Response::new(Vec::new());
    *reply.status_mut() = StatusCode::SEE_OTHER;
    match HeaderValue::from_str(address) {
        Ok(address) => {
            reply.headers_mut().insert(LOCATION, address);
            add_header(&mut reply, "referrer-policy", "no-referrer");
            reply
        }
        // The address was checked when the merchant gave it; one that no header can hold is shown.
        Err(_) => {
            html_page(StatusCode::OK, "Done", &html! { p { "Please go back to the shop." } }, None)
        }
    }
}
