//! Refunds: money goes back to the card.

mod create;
mod settle;

pub use create::{Create, create};
pub use settle::{cancel, settle};
