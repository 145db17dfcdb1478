//! `/v1/balance`.

pub mod retrieve;
