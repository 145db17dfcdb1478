//! Reversing a payout: another payout takes its money back from the bank account that it went to.
//!
//! Source: <https://docs.stripe.com/connect/payout-reversals>.

use domain::event::Transition;
use domain::id::PayoutId;
use domain::payout::{Details, Method, Payout, Status};
use domain::timestamp::DAY;
use domain::{ApiError, Metadata};
use store::{DatabaseError, payouts};

use super::{MAX_TRIES, announce, books, dates, load, no_such, plan};
use crate::context::first;
use crate::{Context, Failure, Platform};

/// For how long after its arrival a payout can be reversed, in seconds.
const REVERSIBLE_FOR: i64 = 90 * DAY;

/// Reverses a payout. What it took counts again from the day on which the bank is to give it back.
///
/// # Errors
/// When there is none, or it was reversed already, or cannot be.
pub async fn reverse<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    metadata: &Metadata,
) -> Result<Payout, Failure> {
    let reversal_id: PayoutId = context.ids.derive("payout");
    for _ in 0..MAX_TRIES {
        let earlier = payouts::find(&context.scope, reversal_id.as_str());
        let (found, results) = load(context, id, vec![earlier]).await?;
        if let Some(reversal) = first(&results, 2)? {
            return Ok(reversal);
        }
        let (before, bank) = found.ok_or_else(|| no_such(id))?;
        if let Some(message) = refusal(context, &before, &bank.details.country) {
            return Err(ApiError::StateConflict { message }.into());
        }
        let (leaves_at, arrival_date) = dates(Method::Standard, context.now);
        let mut reversal = Payout {
            id: reversal_id.clone(),
            created: context.now,
            version: 1,
            amount: before.amount.negated(),
            status: Status::Pending,
            arrival_date,
            automatic: false,
            details: Details {
                metadata: metadata.clone(),
                original_payout: Some(before.id.clone()),
                source_type: before.details.source_type,
                ..Details::default()
            },
            ..before.clone()
        };
        let mut after = before.clone();
        after.details.reversed_by = Some(reversal_id.clone());
        let mut batch = payouts::update(&mut after).to_vec();
        batch.extend(books::taken_back(context, &mut reversal)?);
        batch.push(payouts::insert(&context.scope, &reversal));
        batch.push(plan(context, &reversal, leaves_at));
        batch.extend(announce(context, Transition::PayoutReversed, Some(&before), &after));
        batch.extend(announce(context, Transition::PayoutCreated, None, &reversal));
        match context.batch(batch).await {
            Ok(_) => return Ok(reversal),
            // It changed meanwhile, or an earlier run of this request was still under way.
            Err(DatabaseError::Guard(_) | DatabaseError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Why a payout cannot be reversed, where it cannot.
fn refusal<P: Platform>(
    context: &Context<'_, P>,
    payout: &Payout,
    country: &str,
) -> Option<String> {
    let details = &payout.details;
    let why = if let Some(reversal) = &details.reversed_by {
        return Some(format!("The payout {} has already been reversed by {reversal}.", payout.id));
    } else if details.original_payout.is_some() {
        "it is a reversal itself".to_owned()
    } else if payout.status == Status::Pending && !payout.automatic {
        "it has a status of pending: cancel it instead".to_owned()
    } else if matches!(payout.status, Status::Failed | Status::Canceled) {
        format!("it has a status of {}", payout.status.name())
    } else if details.method == Method::Instant {
        "it is an instant payout".to_owned()
    } else if !matches!(country, "US" | "CA") {
        "its bank account is neither in the US nor in Canada".to_owned()
    } else if context.now >= payout.arrival_date.plus(REVERSIBLE_FOR) {
        "it was expected to arrive 90 days ago or more".to_owned()
    } else {
        return None;
    };
    Some(format!("You cannot reverse the payout {} because {why}.", payout.id))
}
