//! Creating a payout: the money leaves the balance in the batch that writes the payout, held to what was
//! read, so that no two payouts take the same cent.

use domain::event::Transition;
use domain::id::PayoutId;
use domain::money::{Amount, Currency};
use domain::payout::{self, Details, Method, Payout, SourceType, Status};
use domain::{ApiError, Metadata};
use store::{DatabaseError, payouts};

use super::{MAX_TRIES, announce, books, dates, plan};
use crate::bank_accounts::{destination, finding};
use crate::context::first;
use crate::funds::Funds;
use crate::{Context, Failure, Platform};

/// Money that is to go to the merchant's bank.
#[derive(Clone, Debug)]
pub struct Create {
    /// How much.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// For people.
    pub description: Option<String>,
    /// The bank account; the currency's default unless said.
    pub destination: Option<String>,
    /// The merchant's own pairs.
    pub metadata: Metadata,
    /// How fast.
    pub method: Method,
    /// What kind of payment brought the money.
    pub source_type: SourceType,
    /// What the bank's statement says.
    pub statement_descriptor: Option<String>,
}

/// Creates a payout.
///
/// # Errors
/// When there is less available than that, or no such bank account.
pub async fn create<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
) -> Result<Payout, Failure> {
    if context.scope.livemode {
        return Err(ApiError::LiveModeHasNoRail.into());
    }
    let id: PayoutId = context.ids.derive("payout");
    let wanted = create.destination.as_deref();
    for _ in 0..MAX_TRIES {
        // All are read at one moment: either an earlier run of this request has made the payout, or the
        // funds are as no run of it has left them.
        let results = context
            .batch(vec![
                payouts::find(&context.scope, id.as_str()),
                Funds::finding(&context.scope, create.currency, context.now),
                finding(context, wanted, create.currency),
            ])
            .await?;
        if let Some(payout) = first(&results, 0)? {
            return Ok(payout);
        }
        let funds = Funds::read(&context.scope, create.currency, context.now, results.get(1))?;
        if funds.catch_up(context.platform).await? {
            continue;
        }
        let found = first(&results, 2)?;
        let (bank, bank_holds) = destination(context, wanted, create.currency, found)?;
        let parts = payout::taken(&funds.by_day()?, create.amount.into())?
            .ok_or(ApiError::BalanceInsufficient)?;
        let (leaves_at, arrival_date) = dates(create.method, context.now);
        let mut payout = Payout {
            id: id.clone(),
            livemode: context.scope.livemode,
            created: context.now,
            version: 1,
            amount: create.amount.into(),
            currency: create.currency,
            status: Status::Pending,
            arrival_date,
            automatic: false,
            destination: bank.id,
            details: details(create),
        };
        let mut batch = vec![funds.held(), bank_holds];
        batch.extend(books::left(context, &mut payout, &parts)?);
        batch.push(payouts::insert(&context.scope, &payout));
        batch.push(plan(context, &payout, leaves_at));
        batch.extend(announce(context, Transition::PayoutCreated, None, &payout));
        match context.batch(batch).await {
            Ok(_) => return Ok(payout),
            // Somebody else moved the funds or made the bank account, or an earlier run of this request
            // was still under way: what is read again says which.
            Err(DatabaseError::Guard(_) | DatabaseError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

fn details(create: &Create) -> Details {
    Details {
        description: create.description.clone(),
        metadata: create.metadata.clone(),
        method: create.method,
        source_type: create.source_type,
        statement_descriptor: create.statement_descriptor.clone(),
        ..Details::default()
    }
}
