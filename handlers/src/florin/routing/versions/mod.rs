//! `/v1/florin/routing/versions`.

pub mod list;
pub mod retrieve;
