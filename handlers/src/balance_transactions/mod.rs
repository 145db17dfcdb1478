//! `/v1/balance_transactions`.

pub mod list;
pub mod retrieve;

use domain::balance_transaction::BalanceTransaction;
use domain::resource::{self, value};
use domain::timestamp::Timestamp;
use serde_json::Value;

/// The movement as merchants see it at a moment.
pub fn show(transaction: &BalanceTransaction, now: Timestamp) -> Value {
    value(&resource::balance_transaction::Resource::new(transaction, now))
}
