//! What money is and may do: amounts, identifiers, the life of each object, and the shape in which
//! merchants see it.
//!
//! Nothing here does I/O, reads a clock or draws randomness: time, seeds and secrets are parameters,
//! so that every rule can be tested natively and replayed exactly.

pub mod account;
pub mod api_key;
pub mod attempt;
pub mod balance;
pub mod balance_transaction;
pub mod bank_account;
pub mod card;
pub mod charge;
pub mod connector_account;
pub mod connector_webhook;
pub mod customer;
pub mod dispute;
pub mod error;
pub mod event;
pub mod file;
pub mod id;
pub mod idempotency;
pub mod kept;
pub mod ledger;
pub mod letter_case;
pub mod metadata;
pub mod money;
pub mod patch;
pub mod payment_intent;
pub mod payment_method;
pub mod payout;
pub mod payout_schedule;
pub mod place;
pub mod pricing;
pub mod receipt;
pub mod refund;
pub mod report;
pub mod resource;
pub mod routing;
pub mod seal;
pub mod search;
pub mod settlement;
pub mod setup_intent;
pub mod timestamp;
pub mod token;
pub mod topup;
pub mod transfer;
pub mod webhook;

pub use error::ApiError;
pub use metadata::Metadata;
pub use money::{Amount, Currency, Money};
pub use patch::Patch;
pub use timestamp::Timestamp;
