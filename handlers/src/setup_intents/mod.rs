//! `/v1/setup_intents`.

mod card_options;
pub mod create;
pub mod retrieve;
