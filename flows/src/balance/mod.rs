//! A merchant's balance, and its movements.

mod days;

use domain::ApiError;
use domain::balance::by_currency;
use domain::balance_transaction::BalanceTransaction;
use domain::money::{AmountOutOfRange, Currency};
use domain::resource::balance::Resource;
use domain::timestamp::Day;
use store::ledger::Balance;
use store::{balance_transactions, ledger};

use crate::{Context, Failure, Platform};

pub(crate) use days::mature;
pub use days::move_due;

/// What a merchant has, by currency; their own is always among them.
///
/// # Errors
/// When the database does not answer.
pub async fn balance<P: Platform>(
    context: &Context<'_, P>,
    own: Currency,
) -> Result<Resource, Failure> {
    let results = context.batch(vec![ledger::balances(&context.scope)]).await?;
    let rows = results.first().map(|rows| rows.0.as_slice()).unwrap_or_default();
    let accounts = rows.iter().map(Balance::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(shown(context.scope.livemode, own, &accounts, context.now.day())?)
}

/// What a merchant has, as merchants see it.
fn shown(
    livemode: bool,
    own: Currency,
    accounts: &[Balance],
    today: Day,
) -> Result<Resource, AmountOutOfRange> {
    let accounts = accounts.iter().map(|Balance { account, balance }| {
        (account.kind, account.currency, account.day, *balance)
    });
    Ok(Resource::new(livemode, &by_currency(own, accounts, today)?))
}

/// Finds a movement that a request names in its path.
///
/// # Errors
/// When there is none.
pub async fn find<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<BalanceTransaction, Failure> {
    let found = context.find(balance_transactions::find(&context.scope, id)).await?;
    found.ok_or_else(|| {
        ApiError::NoSuchObject {
            kind: "balance transaction",
            id: id.to_owned(),
            param: "id".to_owned(),
            in_path: true,
        }
        .into()
    })
}
