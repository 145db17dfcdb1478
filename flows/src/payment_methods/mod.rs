//! Payment methods: made, kept by customers, let go of, and chosen for a payment.

pub mod choose;

pub use choose::{Choice, Chosen, NewCard, choose};
