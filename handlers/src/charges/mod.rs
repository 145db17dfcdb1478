//! `/v1/charges`.

pub mod search;
