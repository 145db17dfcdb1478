//! `/v1/accounts/{account}/external_accounts`: the caller's own bank accounts.

pub mod create;
pub mod delete;
pub mod list;
pub mod retrieve;
pub mod update;

use domain::ApiError;
use domain::bank_account::BankAccount;
use domain::resource::{self, Json, json};

use crate::endpoint::Call;

/// The bank account as merchants see it.
pub fn show(bank: &BankAccount) -> Json {
    if bank.deleted {
        json(&resource::bank_account::Deleted::from(bank))
    } else {
        json(&resource::bank_account::Resource::from(bank))
    }
}

/// Checks that the path names the caller's own account.
fn check_owner<P>(call: &Call<'_, P>) -> Result<(), ApiError> {
    if call.id() == call.account.id.as_str() {
        return Ok(());
    }
    let account = call.id().chars().take(100).collect();
    Err(ApiError::AccountNotAccessible { account })
}

/// The bank account in the path.
fn named<'c, P>(call: &'c Call<'_, P>) -> &'c str {
    call.path.get(1).map_or("", String::as_str)
}
