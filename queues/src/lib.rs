//! What arrives from a queue or the clock: work that no request waits for.
//!
//! The database says what is due; a queue message only says *now*, so a lost message costs time and
//! nothing else.

pub mod dead_letters;
pub mod deliveries;
pub mod heartbeat;
pub mod wake;

/// What a queue is for; its name is a deployment's own prefix, a dash and this, and that of its dead
/// letters ends in `-dead`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// There are new events.
    Events,
    /// Deliveries on their way to endpoints that are well.
    Deliveries,
    /// The heartbeat is to look at its work.
    Wake,
}

impl Queue {
    const ALL: [Self; 3] = [Self::Events, Self::Deliveries, Self::Wake];

    /// What it is for, as its name ends.
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Deliveries => "deliveries",
            Self::Wake => "wake",
        }
    }

    /// The queue of a name.
    pub fn of(name: &str) -> Option<Self> {
        let purpose = name.rsplit('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|queue| queue.name() == purpose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_known_by_the_end_of_its_name() {
        assert_eq!(Queue::of("florin-deliveries"), Some(Queue::Deliveries));
        assert_eq!(Queue::of("my-shop-events"), Some(Queue::Events));
        assert_eq!(Queue::of("wake"), Some(Queue::Wake));
        assert_eq!(Queue::of("florin-deliveries-dead"), None);
        assert_eq!(Queue::of(""), None);
    }
}
