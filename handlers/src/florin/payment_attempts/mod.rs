//! `/v1/florin/payment_attempts`.

pub mod list;
pub mod resolve;
pub mod retrieve;

use domain::attempt::Attempt;
use domain::resource::florin::PaymentAttemptResource;
use domain::resource::{Json, json};

/// The attempt as its owner sees it.
fn show(attempt: &Attempt) -> Json {
    json(&PaymentAttemptResource::from(attempt))
}
