//! Reversing a transfer: the money comes back from the connected account, as far as it has some.

use domain::balance_transaction::Kind;
use domain::event::Transition;
use domain::id::TransferReversalId;
use domain::money::{Amount, Money};
use domain::transfer::{Transfer, TransferReversal};
use domain::{ApiError, Metadata};
use store::{DatabaseError, Scope, transfers};

use super::create::moved;
use super::{MAX_TRIES, announce, no_such};
use crate::context::first;
use crate::funds::Funds;
use crate::{Context, Failure, Platform};

/// Money of a transfer that is to come back.
#[derive(Clone, Debug)]
pub struct Reverse {
    /// How much; all that is left unless said.
    pub amount: Option<Amount>,
    /// For people.
    pub description: Option<String>,
    /// The merchant's own pairs.
    pub metadata: Metadata,
}

/// Reverses a transfer, or a part of it.
///
/// # Errors
/// When there is none, less of it is left, or the connected account has less.
pub async fn reverse<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    reverse: &Reverse,
) -> Result<TransferReversal, Failure> {
    let scope = &context.scope;
    let reversal_id: TransferReversalId = context.ids.derive("transfer_reversal");
    for _ in 0..MAX_TRIES {
        let reading =
            vec![transfers::find_reversal(scope, reversal_id.as_str()), transfers::find(scope, id)];
        let results = context.batch(reading).await?;
        if let Some(reversal) = first(&results, 0)? {
            return Ok(reversal);
        }
        let before: Transfer = first(&results, 1)?.ok_or_else(|| no_such("transfer", id))?;
        let amount = before.reversible(reverse.amount)?;
        let currency = before.amount.currency;
        let holder = Scope { account: before.destination.clone(), livemode: scope.livemode };
        let found = context.batch(vec![Funds::finding(&holder, currency, context.now)]).await?;
        let funds = Funds::read(&holder, currency, context.now, found.first())?;
        if funds.catch_up(context.platform).await? {
            continue;
        }
        let mut reversal = TransferReversal {
            id: reversal_id.clone(),
            created: context.now,
            amount,
            currency,
            transfer: before.id.clone(),
            balance_transaction: None,
            description: reverse.description.clone(),
            metadata: reverse.metadata.clone(),
        };
        let mut batch = vec![funds.covering(amount)?];
        let (statements, seen) = moved(
            context,
            &format!("{}:came_back", reversal.id),
            [(&holder, Kind::PaymentRefund), (scope, Kind::TransferRefund)],
            Money { amount, currency },
            (reversal.id.as_str(), reversal.description.clone()),
        )?;
        batch.extend(statements);
        reversal.balance_transaction = Some(seen.id);
        let mut after = before.clone();
        after.reversed = before.reversed.plus(amount)?;
        after.show(&reversal);
        batch.extend(transfers::update(&mut after));
        batch.push(transfers::insert_reversal(scope, &reversal));
        batch.extend(announce(context, Transition::TransferReversed, Some(&before), &after));
        match context.batch(batch).await {
            Ok(_) => return Ok(reversal),
            // It changed meanwhile, or somebody else moved the funds.
            Err(DatabaseError::Guard(_) | DatabaseError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}
