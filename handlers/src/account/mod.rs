//! `/v1/account`, and `/v1/accounts/{account}` for the caller's own and those connected to it.

pub mod create;
pub mod retrieve;
pub mod retrieve_by_id;
