//! Payment methods: made, kept by customers, let go of, and chosen for a payment.

pub mod choose;

pub use choose::{CardSource, Choice, Chosen, NewCard, choose};
