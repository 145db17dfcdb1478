//! `/v1/florin/event_replays`.

pub mod create;
pub mod retrieve;
