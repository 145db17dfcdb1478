//! What happens: each operation as steps, each step one batch, with a recovery point between them.
//!
//! An operation that moves money goes through [`operations`]: it writes an attempt, asks the
//! processor, and records the answer. A crash between any two steps leaves an attempt that the
//! client's retry or [`recover`] finds and brings to its end.

pub mod accounts;
pub mod alerts;
pub mod announce;
pub mod archive;
pub mod audit;
pub mod balance;
pub mod bank_accounts;
pub mod cards;
pub mod charges;
pub mod connector_accounts;
pub mod connector_webhooks;
pub mod context;
pub mod customers;
pub mod descriptors;
pub mod disputes;
pub mod failure;
pub mod files;
mod funds;
pub mod ledger;
pub mod master_key;
pub mod operations;
pub mod payment_attempts;
pub mod payment_intents;
pub mod payment_methods;
pub mod payouts;
pub mod platform;
pub mod receipts;
pub mod recover;
pub mod refunds;
pub mod reports;
pub mod routing;
pub mod settlements;
pub mod setup_intents;
pub mod tasks;
pub mod tokens;
pub mod topups;
pub mod transfers;
pub mod webhooks;

pub use context::{Context, RequestReference};
pub use failure::Failure;
pub use platform::{Platform, PlatformError};
