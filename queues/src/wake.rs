//! Wake-ups: when the heartbeat is to look at its work.

use domain::Timestamp;
use serde::{Deserialize, Serialize};

/// A wake-up on its way through the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wake {
    /// When there is work.
    pub due_at: Timestamp,
}

/// The moment that a message asks for.
///
/// # Errors
/// Says why the message cannot be read.
pub fn due_at(message: &str) -> Result<Timestamp, String> {
    match domain::kept::from_text::<Wake>(message) {
        Ok(wake) => Ok(wake.due_at),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_up_says_when() {
        assert_eq!(due_at("{\"due_at\":7}"), Ok(Timestamp(7)));
        assert!(due_at("poison").is_err());
        assert!(due_at("{}").is_err());
    }
}
