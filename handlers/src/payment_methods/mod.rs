//! `/v1/payment_methods`.

pub mod parameters;
