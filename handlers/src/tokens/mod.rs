//! `/v1/tokens`.

pub mod create;
pub mod retrieve;
