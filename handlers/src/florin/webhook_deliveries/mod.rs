//! `/v1/florin/webhook_deliveries`.

pub mod list;
pub mod retrieve;
