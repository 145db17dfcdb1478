//! Deliveries on their way through the queue: each message stands for some of one endpoint's.

use flows::webhooks::{self, Lot, Parcel};
use flows::{Failure, Platform};

/// Makes the deliveries that a message stands for.
///
/// # Errors
/// Says why the message is to come again; after some times it goes to the dead letters.
pub async fn deliver<P: Platform>(platform: &P, message: &str) -> Result<(), String> {
    let parcel = parcel(message)?;
    let told = |problem: String| format!("{}: {problem}", parcel.endpoint);
    let lot = Lot::of(std::slice::from_ref(&parcel));
    lot.work(platform).await;
    lot.problem(&parcel.endpoint).map_or(Ok(()), |problem| Err(told(problem)))
}

/// What a message stands for.
///
/// # Errors
/// Says why it cannot be read.
pub fn parcel(message: &str) -> Result<Parcel, String> {
    domain::kept::from_text(message).map_err(|error| error.to_string())
}

/// How many slices of events one invocation hands out: the database takes 1,000 queries from it, and each slice
/// asks it six.
const SLICES: usize = 20;

/// Hands new events to the endpoints that hear of them. Says whether some are left, after a long outage.
///
/// # Errors
/// When the database does not answer.
pub async fn fan_out<P: Platform>(platform: &P) -> Result<bool, Failure> {
    for _ in 0..SLICES {
        if !webhooks::fan_out(platform).await? {
            return Ok(false);
        }
    }
    Ok(true)
}
