//! `/challenges/{attempt}`: where a cardholder of test mode proves who they are, or does not.
//!
//! The link's secret is the attempt's id, so the page asks for nothing else and shows nothing but
//! the amount. Submitting it twice, or after the payment ended otherwise, changes nothing.

use domain::attempt::ChallengeResult;
use domain::id::{AttemptId, Id};
use domain::money::for_people;
use domain::payment_intent::{PaymentIntent, Status};
use flows::payment_intents::{
    Challenged, find_challenge, finish_challenge, return_from_challenge, settle_challenge,
};
use flows::{Context, Failure, Platform};
use http::{Method, Request, StatusCode};
use maud::{Markup, html};

use super::{html_page, redirect};
use crate::form;
use crate::payment_intents::parameters::web_origin;
use crate::render::Reply;

/// The path before the attempt's id.
pub const PREFIX: &str = "/challenges/";

/// What a cardholder submits.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Submitted {
    result: Choice,
}

/// Which button was pressed.
#[derive(Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Choice {
    Complete,
    Fail,
}

/// Shows a challenge, or takes what its cardholder did.
///
/// # Errors
/// When the database does not answer.
pub async fn answer<P: Platform>(
    platform: &P,
    request: &Request<Vec<u8>>,
    id: &str,
) -> Result<Reply, Failure> {
    let Ok(attempt) = AttemptId::parse(id) else { return Ok(not_found()) };
    let Some(challenge) = find_challenge(platform, &attempt).await? else {
        return Ok(not_found());
    };
    match *request.method() {
        // What the cardholder did there is the processor's to say.
        Method::GET if challenge.is_elsewhere => {
            let context = Context::unattended(platform, challenge.scope);
            let intent = return_from_challenge(&context, &attempt, false).await?;
            Ok(leave(&intent.unwrap_or(challenge.payment_intent)))
        }
        _ if challenge.is_elsewhere => Ok(not_found()),
        Method::GET if challenge.is_open => Ok(html_page(
            StatusCode::OK,
            "Confirm your payment",
            &page(&challenge),
            return_origin(&challenge.payment_intent).as_deref(),
        )),
        Method::GET => {
            // A submission may have died before it recorded what came of it.
            let context = Context::unattended(platform, challenge.scope);
            let intent = settle_challenge(&context, &attempt).await?;
            Ok(leave(&intent.unwrap_or(challenge.payment_intent)))
        }
        Method::POST => submit(platform, request, &attempt, challenge).await,
        _ => Ok(not_found()),
    }
}

async fn submit<P: Platform>(
    platform: &P,
    request: &Request<Vec<u8>>,
    attempt: &AttemptId,
    challenge: Challenged,
) -> Result<Reply, Failure> {
    let Ok(submitted) = form::decode::<Submitted>(request.body()) else {
        return Ok(html_page(
            StatusCode::BAD_REQUEST,
            "Nothing was chosen",
            &html! { p { "Please go back and choose one of the two buttons." } },
            None,
        ));
    };
    let result = match submitted.result {
        Choice::Complete => ChallengeResult::Completed,
        Choice::Fail => ChallengeResult::Failed,
    };
    let context = Context::unattended(platform, challenge.scope);
    let intent = finish_challenge(&context, attempt, result).await?;
    Ok(leave(&intent.unwrap_or(challenge.payment_intent)))
}

fn page(challenge: &Challenged) -> Markup {
    let amount = challenge.payment_intent.amount;
    let amount = for_people(amount.amount.minor_units(), amount.currency);
    html! {
        p { "The test bank asks whether it is really you who pays " strong { (amount) } "." }
        form method="post" {
            button.primary name="result" value="complete" { "Complete authentication" }
            button name="result" value="fail" { "Fail authentication" }
        }
        p.note { "This is a test payment: no money moves." }
    }
}

/// Sends the cardholder back to the merchant, or tells them that they are done.
fn leave(intent: &PaymentIntent) -> Reply {
    let status = match intent.status() {
        Status::Succeeded | Status::RequiresCapture => "succeeded",
        // Somebody asks the processor right now, or the merchant's server confirms once more.
        _ if intent.pending_operation.is_some() || intent.details.authentication.is_some() => {
            "pending"
        }
        Status::Processing | Status::RequiresAction => "pending",
        _ => "failed",
    };
    match &intent.details.return_url {
        Some(return_url) => redirect(&way_back(return_url, intent, status)),
        None => {
            let (title, text) = match status {
                "failed" => ("Payment not confirmed", "The payment was not confirmed."),
                "pending" => ("Payment under way", "The payment is not confirmed yet."),
                _ => ("Payment confirmed", "The payment was confirmed."),
            };
            let text = html! { p { (text) " You can close this page." } };
            html_page(StatusCode::OK, title, &text, None)
        }
    }
}

/// The merchant's address with what Stripe adds to it; a fragment stays at the end.
fn way_back(return_url: &str, intent: &PaymentIntent, status: &str) -> String {
    let (address, fragment) = match return_url.split_once('#') {
        Some((address, fragment)) => (address, format!("#{fragment}")),
        None => (return_url, String::new()),
    };
    let separator = if address.contains('?') { '&' } else { '?' };
    let added = form_urlencoded::Serializer::new(String::new())
        .append_pair("payment_intent", intent.id.as_str())
        .append_pair("payment_intent_client_secret", &intent.details.client_secret)
        .append_pair("redirect_status", status)
        .finish();
    format!("{address}{separator}{added}{fragment}")
}

/// Where the form's answer may send the browser; a strict policy has to name it.
fn return_origin(intent: &PaymentIntent) -> Option<String> {
    web_origin(intent.details.return_url.as_deref()?)
}

fn not_found() -> Reply {
    html_page(
        StatusCode::NOT_FOUND,
        "No such payment",
        &html! { p { "This link leads to no payment. Please go back to the shop." } },
        None,
    )
}
