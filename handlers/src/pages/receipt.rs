//! `/receipts/{token}` and `/receipts/{token}/pdf`: what a customer reads of a payment, without a key.
//!
//! The link's signature is all that is asked for, and nothing but this receipt is behind it.

use domain::receipt::Format;
use flows::receipts::open;
use flows::{Failure, Platform};
use http::{Method, Request, Response, StatusCode};
use maud::html;

use super::html_page;
use crate::render::{Reply, add_header};

/// Shows the receipt that the rest of the path leads to.
///
/// # Errors
/// When the database does not answer.
pub async fn answer<P: Platform>(
    platform: &P,
    request: &Request<Vec<u8>>,
    rest: &str,
) -> Result<Reply, Failure> {
    let (token, format) = match rest.strip_suffix("/pdf") {
        Some(token) => (token, Format::Pdf),
        None => (rest, Format::Html),
    };
    let opened = match *request.method() {
        Method::GET | Method::HEAD => open(platform, token, format).await?,
        _ => None,
    };
    let Some(opened) = opened else { return Ok(not_found()) };
    let mut reply = Response::new(opened.bytes);
    add_header(&mut reply, "content-type", format.content_type());
    match format {
        Format::Html => add_header(
            &mut reply,
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
        ),
        Format::Pdf => {
            let disposition = format!("inline; filename=\"receipt-{}.pdf\"", opened.number);
            add_header(&mut reply, "content-disposition", &disposition);
        }
    }
    Ok(for_its_reader_only(reply))
}

/// Nobody but who has the link is to find, keep or pass on what it leads to.
fn for_its_reader_only(mut reply: Reply) -> Reply {
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex, nofollow"),
    ] {
        add_header(&mut reply, name, value);
    }
    reply
}

fn not_found() -> Reply {
    for_its_reader_only(html_page(
        StatusCode::NOT_FOUND,
        "No such receipt",
        &html! { p { "This link leads to no receipt. Please ask the shop for it." } },
        None,
    ))
}
