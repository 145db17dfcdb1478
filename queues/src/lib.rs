//! What arrives from a queue or the clock: work that no request waits for.
//!
//! The database says what is due; a queue message only wakes the heartbeat sooner, so a lost message
//! costs time and nothing else.

pub mod deliveries;
pub mod heartbeat;
pub mod wake;
