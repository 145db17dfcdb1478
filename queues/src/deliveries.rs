//! Deliveries on their way through the queue: each message stands for some of one endpoint's.

use flows::webhooks::{self, Parcel};
use flows::{Failure, Platform};

/// Makes the deliveries that a message stands for.
///
/// # Errors
/// Says why the message is to come again; after some times it goes to the dead letters.
pub async fn deliver<P: Platform>(platform: &P, message: &str) -> Result<(), String> {
    let parcel: Parcel = serde_json::from_str(message).map_err(|error| error.to_string())?;
    let made = webhooks::deliver(platform, &parcel).await;
    made.map_err(|failure| format!("{}: {failure}", parcel.endpoint))
}

/// Hands every new event to the endpoints that hear of it.
///
/// # Errors
/// When the database does not answer.
pub async fn fan_out<P: Platform>(platform: &P) -> Result<(), Failure> {
    while webhooks::fan_out(platform).await? {}
    Ok(())
}
