//! Hyperswitch as a processor: the payments and refunds of its v1 API, with processors of its own behind.
//!
//! It knows no idempotency keys, but takes the ids of payments and refunds from us and refuses a second one
//! of the same id. So our key makes the id, and an object is always looked up by it. What else is asked of
//! a payment cannot act twice either: a capture takes all that is to be taken, an increment names the new
//! total, and a void ends it.
//!
//! A card is remembered with a payment, kept by a customer of its own, and paid with in its holder's absence: what
//! is remembered pays at no other time (`recurring_details` want `off_session`).
//!
//! Sources: <https://api-reference.hyperswitch.io>, and its own code for what errors look like on the wire.

mod codes;
mod error;
mod outcome;
mod payment;
mod refund;
mod request;
mod webhook;

use domain::id::{base62, keyed_digest};
use domain::payment_method::ProcessorToken;
use domain::timestamp::HOUR;

use crate::command::{Authorize, LookUp};
use crate::{Asked, Processor, keeps_nothing};

/// How it is spoken to.
pub(crate) const PROCESSOR: Processor = Processor {
    name: "hyperswitch",
    horizon: HORIZON,
    signature_header: Some(webhook::SIGNATURE),
    secrets: [&["snd_", "dev_"], &["prd_"]],
    ask: |command, account| request::request(command, account).map(Asked::Request),
    outcome: outcome::outcome,
    keep: |_, _| Ok(None),
    kept: keeps_nothing,
    verify: |headers, body, secrets, _| webhook::verify(headers, body, secrets),
    notice: webhook::notice,
    heard: outcome::heard,
};

/// Where the API is.
const BASE_URL: &str = "https://api.hyperswitch.io";

/// Where the API is in test mode.
const SANDBOX_URL: &str = "https://sandbox.hyperswitch.io";

/// Where an object holds our key.
const KEY_PATH: &str = "/metadata/florin_key";

/// The currency whose amounts would be taken a hundredfold: in Stripe's API, and so in Florin, its minor
/// unit is a hundredth, and here it has none.
const OTHER_UNIT: &str = "ugx";

/// How long the part of an id is that our key makes: its ids are thirty characters long.
const KEY_LENGTH: usize = 26;

/// After how many seconds a lookup that finds nothing proves that there is nothing. It reads what it wrote,
/// so this is only for a request that is still on its way.
const HORIZON: i64 = HOUR;

/// The id of the payment that an authorisation makes: that of its key, or another for the card's number where the
/// request with the token took it.
fn payment_id(question: &LookUp<'_>) -> String {
    let kind = if question.is_instead { "pan" } else { "pay" };
    format!("{kind}_{}", part(question.key))
}

/// The id of the customer who keeps a card that was remembered under a key.
fn customer_id(key: &str) -> String {
    format!("cus_{}", part(key))
}

/// What a payment is asked with instead of the card's number.
fn token<'a>(authorize: &Authorize<'a>) -> Option<&'a ProcessorToken> {
    authorize.token.filter(|_| authorize.off_session)
}

/// The id of the refund that a key makes.
fn refund_id(key: &str) -> String {
    format!("ref_{}", part(key))
}

/// The key, where it has the length that it has in Florin, or something as long that stands for it.
fn part(key: &str) -> String {
    if key.len() == KEY_LENGTH {
        return key.to_owned();
    }
    let digest = keyed_digest(b"florin_key", &[key.as_bytes()]);
    format!("key_{}", base62(&digest))
}
