//! `/v1/setup_intents`.

pub mod create;
pub mod retrieve;
