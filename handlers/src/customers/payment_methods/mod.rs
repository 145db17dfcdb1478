//! `/v1/customers/{customer}/payment_methods`.

pub mod list;
pub mod retrieve;
