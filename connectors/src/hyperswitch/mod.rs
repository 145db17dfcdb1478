//! Hyperswitch as a processor: the payments and refunds of its v1 API, with processors of its own behind.
//!
//! It knows no idempotency keys, but takes the ids of payments and refunds from us and refuses a second one
//! of the same id. So our key makes the id, and an object is always looked up by it. What else is asked of
//! a payment cannot act twice either: a capture takes all that is to be taken, an increment names the new
//! total, and a void ends it.
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
use domain::timestamp::HOUR;

pub(crate) use outcome::{heard, outcome};
pub(crate) use request::request;
pub(crate) use webhook::{SIGNATURE, notice, verify};

/// The name under which attempts know this processor.
pub const NAME: &str = "hyperswitch";

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
pub(crate) const HORIZON: i64 = HOUR;

/// The id of the payment that a key makes.
fn payment_id(key: &str) -> String {
    format!("pay_{}", part(key))
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
