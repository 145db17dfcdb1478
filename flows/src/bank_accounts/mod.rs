//! Bank accounts: where a merchant's money is paid out to.

mod changes;

use domain::ApiError;
use domain::bank_account::{self, BankAccount, Details, Status};
use domain::money::Currency;
use store::{Statement, bank_accounts};

use crate::{Context, Failure, Platform};

pub(crate) use changes::errored;
pub use changes::{Create, Source, Update, create, delete, update};

/// The error for a bank account that does not exist.
pub fn no_such(id: &str, param: &str, in_path: bool) -> ApiError {
    ApiError::NoSuchObject {
        kind: "external account",
        id: id.to_owned(),
        param: param.to_owned(),
        in_path,
    }
}

/// The statement that finds where a payout goes: to the bank account that is named, or else to the
/// default of its currency.
pub fn finding<P: Platform>(
    context: &Context<'_, P>,
    wanted: Option<&str>,
    currency: Currency,
) -> Statement {
    match wanted {
        Some(id) => bank_accounts::find(&context.scope, id),
        None => bank_accounts::find_default(&context.scope, currency),
    }
}

/// Where a payout goes, by what [`finding`] found, and the statements that keep it so until the payout is
/// written. The simulator gives a merchant who has no bank account one that takes every payout.
///
/// # Errors
/// When there is no such bank account, or it does not take the currency.
pub fn destination<P: Platform>(
    context: &Context<'_, P>,
    wanted: Option<&str>,
    currency: Currency,
    found: Option<BankAccount>,
) -> Result<(BankAccount, Statement), ApiError> {
    let Some(id) = wanted else {
        let Some(bank) = found else {
            let bank = test_account(context, currency);
            let insert = bank_accounts::insert(&context.scope, &bank);
            return Ok((bank, insert));
        };
        let unchanged = bank_accounts::must_be_unchanged(&bank);
        return Ok((bank, unchanged));
    };
    let Some(bank) = found.filter(|bank| !bank.deleted) else {
        return Err(no_such(id, "destination", false));
    };
    if bank.currency != currency {
        return Err(ApiError::ParameterInvalid {
            param: "destination".to_owned(),
            message: format!(
                "The external account {id} takes {}, so it cannot be paid out to in {currency}.",
                bank.currency
            ),
        });
    }
    let unchanged = bank_accounts::must_be_unchanged(&bank);
    Ok((bank, unchanged))
}

fn test_account<P: Platform>(context: &Context<'_, P>, currency: Currency) -> BankAccount {
    BankAccount {
        id: bank_account::test_account_id(&context.scope.account, currency),
        account: context.scope.account.clone(),
        created: context.now,
        version: 1,
        currency,
        default_for_currency: true,
        deleted: false,
        status: Status::New,
        details: Details::of_number(
            "US",
            Some(bank_account::TEST_ROUTING_NUMBER),
            bank_account::TEST_ACCOUNT_NUMBER,
        ),
    }
}

/// Finds a bank account that a request names in its path.
///
/// # Errors
/// When there is none, or it was taken away.
pub async fn find<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<BankAccount, Failure> {
    let found: Option<BankAccount> = context.find(bank_accounts::find(&context.scope, id)).await?;
    found.filter(|bank| !bank.deleted).ok_or_else(|| no_such(id, "id", true).into())
}
