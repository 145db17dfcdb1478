//! Creating a transfer: the money leaves one balance and reaches the other in the batch that writes the
//! transfer, held to what was read, so that no cent is taken twice.

use domain::account::Account;
use domain::balance_transaction::{BalanceTransaction, Kind};
use domain::event::Transition;
use domain::id::TransferId;
use domain::ledger::Balances;
use domain::money::{Amount, Money, SignedAmount};
use domain::payout::SourceType;
use domain::transfer::{Details, Transfer};
use domain::{ApiError, Metadata};
use store::{DatabaseError, Scope, Statement, accounts, balance_transactions, transfers};

use super::{MAX_TRIES, announce};
use crate::context::first;
use crate::funds::Funds;
use crate::ledger::free_of_charge;
use crate::{Context, Failure, Platform};

/// Money that is to go to a connected account.
#[derive(Clone, Debug)]
pub struct Create {
    /// How much.
    pub amount: Money,
    /// For people.
    pub description: Option<String>,
    /// The account.
    pub destination: String,
    /// The merchant's own pairs.
    pub metadata: Metadata,
    /// What kind of payment brought the money.
    pub source_type: SourceType,
    /// Groups payments and transfers.
    pub transfer_group: Option<String>,
}

/// Creates a transfer.
///
/// # Errors
/// When there is less available than that, or no such account is connected.
pub async fn create<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
) -> Result<Transfer, Failure> {
    let scope = &context.scope;
    let currency = create.amount.currency;
    let id: TransferId = context.ids.derive("transfer");
    for _ in 0..MAX_TRIES {
        let reading = vec![
            transfers::find(scope, id.as_str()),
            Funds::finding(scope, currency, context.now),
            accounts::find(scope, &create.destination),
        ];
        let results = context.batch(reading).await?;
        if let Some(transfer) = first(&results, 0)? {
            return Ok(transfer);
        }
        let account: Option<Account> = first(&results, 2)?;
        let destination = account
            .filter(|account| account.id != scope.account)
            .ok_or_else(|| no_such_destination(create))?;
        let funds = Funds::read(scope, currency, context.now, results.get(1))?;
        if funds.catch_up(context.platform).await? {
            continue;
        }
        let mut transfer = Transfer {
            id: id.clone(),
            livemode: scope.livemode,
            created: context.now,
            version: 1,
            amount: create.amount,
            reversed: Amount::ZERO,
            destination: destination.id,
            details: details(create),
        };
        let mut batch = vec![funds.covering(create.amount.amount)?];
        batch.extend(left(context, &mut transfer)?);
        batch.push(transfers::insert(scope, &transfer));
        batch.extend(announce(context, Transition::TransferCreated, None, &transfer));
        match context.batch(batch).await {
            Ok(_) => return Ok(transfer),
            // Somebody else moved the funds, or an earlier run of this request was still under way.
            Err(DatabaseError::Guard(_) | DatabaseError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

fn no_such_destination(create: &Create) -> ApiError {
    ApiError::NoSuchObject {
        kind: "destination",
        id: create.destination.clone(),
        param: "destination".to_owned(),
        in_path: false,
    }
}

fn details(create: &Create) -> Details {
    Details {
        description: create.description.clone(),
        metadata: create.metadata.clone(),
        source_type: create.source_type,
        transfer_group: create.transfer_group.clone(),
        ..Details::default()
    }
}

/// Posts a transfer. Notes on it how it was booked.
fn left<P: Platform>(
    context: &Context<'_, P>,
    transfer: &mut Transfer,
) -> Result<Vec<Statement>, Failure> {
    let from = context.scope.clone();
    let to = Scope { account: transfer.destination.clone(), livemode: from.livemode };
    let cause = format!("{}:left", transfer.id);
    let description = transfer.details.description.clone();
    let (statements, seen) = moved(
        context,
        &cause,
        [(&from, Kind::Transfer), (&to, Kind::Payment)],
        transfer.amount,
        (transfer.id.as_str(), description),
    )?;
    transfer.details.balance_transaction = Some(seen.id);
    Ok(statements)
}

/// Posts money that goes from one merchant to the other, as both of them see it, and says how the one that
/// acts does.
pub(super) fn moved<P: Platform>(
    context: &Context<'_, P>,
    cause: &str,
    [(from, left_as), (to, came_as)]: [(&Scope, Kind); 2],
    Money { amount, currency }: Money,
    (source, description): (&str, Option<String>),
) -> Result<(Vec<Statement>, BalanceTransaction), Failure> {
    let balances = Balances { merchant: from.account.clone(), currency };
    let today = context.now.day();
    let transaction = balances.transferred(cause.to_owned(), amount, &to.account, today)?;
    let mut statements = store::ledger::post(from.livemode, &transaction, context.now);
    let came = SignedAmount::from(amount);
    let mut own = None;
    for (scope, kind, amount) in [(from, left_as, came.negated()), (to, came_as, came)] {
        let money = (amount, currency);
        let mut seen = free_of_charge(context, cause, kind, money, source, description.clone());
        // Two merchants see what one transaction of the ledger posts.
        if *scope == context.scope {
            own = Some(seen.clone());
        } else {
            seen.id = BalanceTransaction::id_of(&format!("{cause}:{}", scope.account));
        }
        statements.push(balance_transactions::insert(scope, &seen)?);
    }
    let own = own.ok_or_else(|| Failure::Bug(format!("{cause} moves money of others")))?;
    Ok((statements, own))
}
