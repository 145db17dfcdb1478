//! Wake-ups: when the heartbeat is to look at its work.

use domain::Timestamp;
use serde::{Deserialize, Serialize};

/// A wake-up on its way through the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wake {
    /// When there is work.
    pub due_at: Timestamp,
}

/// The earliest moment that a batch of messages asks for. A message that cannot be read asks for
/// nothing: what it stood for is in the database.
pub fn earliest<'m>(messages: impl Iterator<Item = &'m str>) -> Option<Timestamp> {
    messages
        .filter_map(|message| domain::kept::from_text::<Wake>(message).ok())
        .map(|wake| wake.due_at)
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poison_wakes_nobody_and_stops_nobody() {
        let messages = ["{\"due_at\":7}", "poison", "{\"due_at\":5}", "{}"];
        assert_eq!(earliest(messages.into_iter()), Some(Timestamp(5)));
        assert_eq!(earliest(["poison"].into_iter()), None);
    }
}
