//! Disputes that a payment processor tells of: opened, moved on and booked as those of the simulator's bank are.
//!
//! A processor tells of them late, twice, and out of order. What it says is where a dispute is to stand; each step on
//! the way there is a listed transition of its own.

use connectors::webhook::Disputed;
use domain::ApiError;
use domain::charge::Charge;
use domain::dispute::{Details, Dispute, Reason, Status};
use domain::timestamp::Timestamp;
use store::{DatabaseError, charges, disputes};

use super::open::open_as;
use super::{MAX_TRIES, moved};
use crate::context::first;
use crate::{Context, Failure, Platform};

/// What came of what a processor told.
pub(crate) enum Told {
    /// It is recorded.
    Recorded,
    /// It says nothing new.
    Known,
    /// It contradicts what is known.
    Contradicted(String),
}

/// Brings the dispute of a charge to where its processor says that it stands since a moment.
///
/// # Errors
/// When the database does not answer, or somebody else changes the charge all the time.
pub(crate) async fn told<P: Platform>(
    context: &Context<'_, P>,
    charge: &Charge,
    disputed: &Disputed,
    since: Option<Timestamp>,
) -> Result<Told, Failure> {
    let (scope, id) = (&context.scope, Dispute::id_of(&charge.id));
    for _ in 0..MAX_TRIES {
        let results = context
            .batch(vec![
                disputes::find(scope, id.as_str()),
                charges::find(scope, charge.id.as_str()),
            ])
            .await?;
        let known: Option<Dispute> = first(&results, 0)?;
        let Some(mut charge) = first::<Charge>(&results, 1)? else { return Ok(Told::Known) };
        let (batch, stands) = match known {
            None => {
                if let Some(problem) = cannot_be_opened(&charge, disputed) {
                    return Ok(Told::Contradicted(problem));
                }
                let mut dispute = new_dispute(context, &charge, disputed);
                dispute.details.stands_since = since;
                (open_as(context, &mut charge, &mut dispute)?, dispute.status)
            }
            Some(known) => {
                let next = match next(&known, disputed, since) {
                    Ok(next) => next,
                    Err(told) => return Ok(told),
                };
                // It takes the money from here on.
                if next == Status::NeedsResponse
                    && let Some(problem) = cannot_be_opened(&charge, disputed)
                {
                    return Ok(Told::Contradicted(problem));
                }
                let mut after = known.clone();
                after.amount = disputed.amount;
                after.details.stands_since = since;
                after.details.due_by = disputed.due_by.unwrap_or(after.details.due_by);
                (moved(context, &known, after, charge, next)?.0, next)
            }
        };
        let is_last = stands == disputed.status;
        let written =
            if is_last { context.change(batch).await } else { context.batch(batch).await };
        match written {
            Ok(_) if is_last => return Ok(Told::Recorded),
            // Another notice may have been faster.
            Ok(_) | Err(DatabaseError::Guard(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Why a processor cannot mean this charge.
fn cannot_be_opened(charge: &Charge, disputed: &Disputed) -> Option<String> {
    let Disputed { amount, .. } = disputed;
    if !charge.is_captured() {
        return Some(format!("Nothing was taken of {} that could be disputed.", charge.id));
    }
    // It may be of more than was taken, as where rates changed: https://docs.stripe.com/api/disputes/object
    (amount.currency != charge.amount.currency || amount.amount.is_zero()).then(|| {
        let (asked, minor) = (amount.currency, amount.amount.minor_units());
        format!("It is about {minor} {asked}, and {} is another amount.", charge.id)
    })
}

/// What a dispute becomes next, if its processor says something new of it.
fn next(known: &Dispute, disputed: &Disputed, since: Option<Timestamp>) -> Result<Status, Told> {
    let reference = known.details.processor_reference.as_deref();
    if reference != Some(&disputed.reference) {
        return Err(Told::Contradicted(format!(
            "{} is disputed as {} already.",
            known.charge,
            reference.unwrap_or_else(|| known.id.as_str())
        )));
    }
    let (stands, end) = (known.status, disputed.status);
    if disputed.amount.currency != known.amount.currency || disputed.amount.amount.is_zero() {
        return Err(Told::Contradicted(format!("{} is in another currency.", known.id)));
    }
    // What was booked is not asked for anew.
    if !stands.is_inquiry() && disputed.amount != known.amount {
        return Err(Told::Contradicted(format!("{} is about another amount.", known.id)));
    }
    // Where its processor does not say when it came to that, only a person can tell.
    let is_old = since.zip(known.details.stands_since).is_some_and(|(told, known)| told <= known);
    match stands.step_to(end) {
        Some(next) => Ok(next),
        None if stands == end => Err(Told::Known),
        // It is told late, unless what was over is open again.
        None if !end.is_over() && (is_old || !stands.is_over()) => Err(Told::Known),
        None => {
            let (is, told) = (stands.name(), end.name());
            Err(Told::Contradicted(format!("{} is {is}, and cannot become {told}.", known.id)))
        }
    }
}

fn new_dispute<P: Platform>(
    context: &Context<'_, P>,
    charge: &Charge,
    disputed: &Disputed,
) -> Dispute {
    let brand = charge.details.card.as_ref().map_or("unknown", |card| card.brand.name());
    Dispute {
        id: Dispute::id_of(&charge.id),
        livemode: context.scope.livemode,
        created: context.now,
        version: 1,
        amount: disputed.amount,
        status: match disputed.status.is_inquiry() {
            true => Status::WarningNeedsResponse,
            false => Status::NeedsResponse,
        },
        charge: charge.id.clone(),
        payment_intent: charge.payment_intent.clone(),
        charge_refunded: charge.is_refunded(),
        details: Details {
            reason: Reason::told(disputed.reason.as_deref()),
            network_reason_code: disputed.network_reason_code.clone().unwrap_or_default(),
            brand: brand.to_owned(),
            due_by: disputed.due_by.unwrap_or_else(|| Dispute::due_by(context.now)),
            processor_reference: Some(disputed.reference.clone()),
            ..Details::default()
        },
    }
}
