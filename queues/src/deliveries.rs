//! Deliveries on their way through the queue: each message stands for some of one endpoint's.

use flows::webhooks::{self, Parcel};
use flows::{Failure, Platform};

/// What is to become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is done.
    Ack,
    /// It is to come again; after some times it goes to the dead letters.
    Retry,
}

/// Makes the deliveries that a message stands for.
pub async fn deliver<P: Platform>(platform: &P, message: &str) -> Verdict {
    let parcel: Parcel = match serde_json::from_str(message) {
        Ok(parcel) => parcel,
        Err(error) => {
            platform.log_error("deliveries", &format!("{error}, in {message:?}"));
            return Verdict::Retry;
        }
    };
    match webhooks::deliver(platform, &parcel).await {
        Ok(()) => Verdict::Ack,
        Err(failure) => {
            platform.log_error(&parcel.endpoint, &failure.to_string());
            Verdict::Retry
        }
    }
}

/// Hands every new event to the endpoints that hear of it.
///
/// # Errors
/// When the database does not answer.
pub async fn fan_out<P: Platform>(platform: &P) -> Result<(), Failure> {
    while webhooks::fan_out(platform).await? {}
    Ok(())
}
