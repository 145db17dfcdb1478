//! Undoing: what a processor did, or may do yet, for an authorisation that was given up is taken back, under a
//! key of its own.
//!
//! Each run begins with what the processor says of the payment by now, so that a run that died changes
//! nothing. The books know nothing of such a payment: what was taken for it goes back in full.

use connectors::{Command, Outcome};
use domain::attempt::{Attempt, AttemptState, Request};
use domain::money::Amount;
use domain::refund;
use domain::timestamp::Timestamp;
use store::scheduled_tasks::{self, Kind, Task};
use store::{Statement, attempts};

use super::Held;
use super::ask::Asker;
use crate::{Context, Failure, Platform};

/// Plans that what a processor did for an attempt is taken back.
pub fn plan_undo<P: Platform>(
    context: &Context<'_, P>,
    attempt: &str,
    due_at: Timestamp,
) -> Statement {
    context.platform.wake(due_at);
    scheduled_tasks::insert(&Task {
        due_at,
        kind: Kind::UndoAttempt,
        subject: attempt.to_owned(),
        scope: context.scope.clone(),
        tries: 0,
    })
}

/// Plans that what a processor did for an attempt, under a reference if it said one, is taken back, where that is an
/// authorisation that was given up meanwhile.
pub(super) async fn undo_if_given_up<P: Platform>(
    context: &Context<'_, P>,
    attempt: &Attempt,
    reference: Option<&str>,
) -> Result<(), Failure> {
    if attempt.connector_account.is_some()
        && matches!(attempt.request, Request::Authorize(_))
        && matches!(attempt.state, AttemptState::Failed | AttemptState::Canceled)
    {
        let mut change = vec![plan_undo(context, attempt.id.as_str(), context.now)];
        // It is found by that however long ago its key was sent.
        change.extend(reference.map(|reference| attempts::note_reference(&attempt.id, reference)));
        context.change(change).await?;
    }
    Ok(())
}

/// Takes back what a processor did for an authorisation that was given up, after it was tried in vain so often.
/// Says whether nothing is left to do.
///
/// A processor answers a key as it did before, so that each void, which cannot act twice, has one of its own.
/// What goes back has always the same one.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn undo<P: Platform>(
    context: &Context<'_, P>,
    held: &Held,
    tries: i64,
) -> Result<bool, Failure> {
    let Held { attempt, .. } = held;
    let is_over = matches!(attempt.state, AttemptState::Failed | AttemptState::Canceled);
    let Request::Authorize(authorize) = &attempt.request else { return Ok(true) };
    if !is_over {
        return Ok(true);
    }
    let Some(asker) = Asker::of(context, attempt).await? else { return Ok(true) };
    let found = asker.look_up(context, held).await;
    // What is told of it from now on, as a dispute, finds it by that.
    if let Outcome::Authorized { reference, .. }
    | Outcome::ChallengeRequired { reference: Some(reference), .. }
    | Outcome::Canceled { reference } = &found
        && attempt.processor_reference.is_none()
    {
        context.batch(vec![attempts::note_reference(&attempt.id, reference)]).await?;
    }
    match found {
        Outcome::Canceled { .. } | Outcome::Declined(_) => Ok(true),
        Outcome::Authorized { reference, .. } if authorize.capture => {
            give_back(context, &asker, attempt, &reference).await
        }
        Outcome::Authorized { reference, .. }
        | Outcome::ChallengeRequired { reference: Some(reference), .. } => {
            let key = format!("{}_void_{tries}", attempt.id);
            let (amount, captured) = (attempt.amount, Amount::ZERO);
            let void = Command::Void { key: &key, payment: &reference, amount, captured };
            let outcome = asker.exchange(context, &void).await;
            Ok(matches!(outcome, Outcome::Done { .. } | Outcome::Canceled { .. }))
        }
        Outcome::NotFound => Ok(asker.knows_by_now(context, attempt)),
        _ => Ok(false),
    }
}

async fn give_back<P: Platform>(
    context: &Context<'_, P>,
    asker: &Asker,
    attempt: &Attempt,
    payment: &str,
) -> Result<bool, Failure> {
    let key = format!("{}_give_back", attempt.id);
    let refund = Command::Refund { key: &key, payment, amount: attempt.amount, later: None };
    let found = asker.exchange(context, &Command::LookUp(refund.question())).await;
    let outcome = match found {
        Outcome::NotFound => asker.exchange(context, &refund).await,
        found => found,
    };
    Ok(matches!(outcome, Outcome::Refunded { status: refund::Status::Succeeded, .. }))
}
