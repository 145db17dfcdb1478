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
pub mod routing;
pub mod settlement;
pub mod setup_intent;
pub mod token;
pub mod topup;
pub mod transfer;
pub mod webhook_endpoint;

pub use list::{List, SearchResult};

use serde_json::value::RawValue;

/// A resource as JSON text, which others are built around as it is.
pub type Json = Box<RawValue>;

/// A resource as JSON text.
pub fn json<T: serde::Serialize>(resource: &T) -> Json {
    // Resources are plain structs with text keys, for which this cannot fail.
    serde_json::value::to_raw_value(resource).unwrap_or_default()
}

/// A resource to be changed, as where one of its fields is expanded.
pub fn read(json: &Json) -> serde_json::Value {
    // It is JSON, which can be read.
    serde_json::from_str(json.get()).unwrap_or_default()
}

/// A resource to be changed, or to be part of another one. Reading its text again keeps the Worker small: how a
/// resource is written is made anew for each way of writing it.
pub fn value<T: serde::Serialize>(resource: &T) -> serde_json::Value {
    read(&json(resource))
}

/// A constant text of the API, as the `object` field of each resource.
pub(crate) type Constant = &'static str;
