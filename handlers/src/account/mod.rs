//! `/v1/account`, and `/v1/accounts/{account}` for the caller's own and those connected to it.

pub mod create;
pub mod retrieve;
pub mod retrieve_by_id;

use domain::account::Account;
use domain::bank_account::BankAccount;
use domain::resource::{self, Json, json};
use flows::{Failure, Platform};
use store::list::{Cursor, END_OF_TIME, Filter, Page, Table};
use store::{Scope, list};

use crate::endpoint::Call;
use crate::external_accounts;

/// The account with its newest bank accounts, as merchants see it.
async fn show<P: Platform>(call: &Call<'_, P>, account: &Account) -> Result<Json, Failure> {
    let scope = Scope { account: account.id.clone(), livemode: call.context.scope.livemode };
    let page = Page { created_from: 0, created_to: END_OF_TIME, cursor: Cursor::Newest, limit: 10 };
    let statement = list::page(&scope, Table::BankAccounts, &Filter::Nothing, &page);
    let found = call.context.batch(vec![statement]).await?;
    let rows = found.into_iter().next().map(|rows| rows.0).unwrap_or_default();
    let (rows, has_more) = list::assemble(rows, &page);
    let banks = rows
        .iter()
        .map(|row| Ok(external_accounts::show(&BankAccount::try_from(row)?)))
        .collect::<Result<_, store::Inconsistent>>()?;
    Ok(json(&resource::account::Resource::new(account, banks, has_more)))
}
