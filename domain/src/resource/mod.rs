//! The shape in which merchants see each object: Stripe's, field for field.
//!
//! Every field that the SDKs' types promise is always there. A resource is built from a domain object
//! by `from`, borrows from it, and is only ever serialised.

pub mod account;
pub mod balance;
pub mod balance_transaction;
pub mod bank_account;
pub mod charge;
pub mod customer;
pub mod dispute;
pub mod event;
pub mod file;
pub mod florin;
pub mod list;
pub mod payment_intent;
pub mod payment_method;
pub mod payout;
pub mod refund;
pub mod report_run;
pub mod report_type;
pub mod setup_intent;
pub mod token;
pub mod topup;
pub mod transfer;
pub mod webhook_endpoint;

pub use list::{List, SearchResult};

/// A resource as JSON, for embedding in another one or expanding a field with it.
pub fn value<T: serde::Serialize>(resource: &T) -> serde_json::Value {
    // Resources are plain structs with text keys, for which this cannot fail.
    serde_json::to_value(resource).unwrap_or_default()
}

/// A resource as JSON text.
pub fn text<T: serde::Serialize>(resource: &T) -> String {
    // As above.
    serde_json::to_string(resource).unwrap_or_default()
}

/// A constant text of the API, as the `object` field of each resource.
pub(crate) type Constant = &'static str;
