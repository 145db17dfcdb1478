//! `/v1/customers`.

pub mod search;
