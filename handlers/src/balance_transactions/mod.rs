//! `/v1/balance_transactions`.

pub mod list;
pub mod retrieve;

use domain::balance_transaction::BalanceTransaction;
use domain::resource::{self, Json, json};
use domain::timestamp::Timestamp;

/// The movement as merchants see it at a moment.
pub fn show(transaction: &BalanceTransaction, now: Timestamp) -> Json {
    json(&resource::balance_transaction::Resource::new(transaction, now))
}
