//! Undoing: what a processor did, or may do yet, for an authorisation that was given up is taken back, under a
//! key of its own. What turns up of anything else is for a person.
//!
//! Each run begins with what the processor says of the payment by now, so that a run that died changes
//! nothing. The books know nothing of such a payment: what was taken for it goes back in full.

use connectors::{Command, Fault, Operation, Outcome};
use domain::attempt::{Attempt, AttemptState, Found, Request};
use domain::money::Amount;
use domain::refund::Status;
use domain::timestamp::Timestamp;
use store::scheduled_tasks::{self, Kind, Task};
use store::{Statement, attempts};

use super::Held;
use super::ask::Asker;
use super::command::question;
use super::hear::{open_operation, standing};
use crate::{Context, Failure, Platform, refunds};

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

/// What is left to do for what was given up.
pub(crate) enum Left {
    /// Nothing.
    Nothing,
    /// It was let go of. Who saw its page may pay there all the same, so that it is looked at once more.
    LetGo,
    /// It has to be tried again.
    Try,
    /// A person has to look at it, for this reason.
    Look(&'static str),
}

/// Takes back what a processor did for an authorisation that was given up, and finds what it did for any other attempt that
/// was. Says what is left to do.
///
/// A processor answers a key as it did before, so that each void, which cannot act twice, has one of its own, whichever look
/// it is of. What goes back has always the same one.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn undo<P: Platform>(
    context: &Context<'_, P>,
    held: &Held,
) -> Result<Left, Failure> {
    let Held { attempt, .. } = held;
    let is_over = matches!(attempt.state, AttemptState::Failed | AttemptState::Canceled);
    if !is_over {
        return Ok(Left::Nothing);
    }
    let Some(asker) = Asker::of(context, attempt).await? else { return Ok(Left::Nothing) };
    let Request::Authorize(authorize) = &attempt.request else {
        return turned_up(context, &asker, held).await;
    };
    let found = asker.look_up(context, held).await;
    // What is told of it from now on, as a dispute, finds it by that.
    if let Outcome::Authorized { reference, .. }
    | Outcome::ChallengeRequired { reference: Some(reference), .. }
    | Outcome::Canceled { reference } = &found
        && attempt.processor_reference.is_none()
    {
        context.batch(vec![attempts::note_reference(&attempt.id, reference)]).await?;
    }
    let nothing_or_try = |is_done: bool| if is_done { Left::Nothing } else { Left::Try };
    Ok(match found {
        // Whoever let go of it may have died right after that.
        Outcome::Canceled { .. } => Left::LetGo,
        Outcome::Declined(_) => Left::Nothing,
        // It may have gone back by hand, of which the processor need not know.
        Outcome::Authorized { .. }
            if authorize.capture
                && attempt.resolved.as_ref().is_some_and(|by| by.outcome == Found::Failed) =>
        {
            Left::Look("A person said that it failed, and its processor has its money.")
        }
        Outcome::Authorized { reference, .. } if authorize.capture => {
            nothing_or_try(give_back(context, &asker, attempt, &reference).await)
        }
        Outcome::Authorized { ref reference, .. }
        | Outcome::ChallengeRequired { reference: Some(ref reference), .. } => {
            let key = format!("{}_void_{}", attempt.id, context.now.seconds());
            let (amount, captured) = (attempt.amount, Amount::ZERO);
            let void = Command::Void { key: &key, payment: reference, amount, captured };
            match asker.exchange(context, &void).await {
                Outcome::Done { .. } | Outcome::Canceled { .. } => Left::LetGo,
                _ => Left::Try,
            }
        }
        Outcome::NotFound => nothing_or_try(asker.knows_by_now(context, attempt)),
        Outcome::Mismatch { .. } => {
            Left::Look("Its processor did something else than it was asked for.")
        }
        _ => Left::Try,
    })
}

/// What is left to do for a refund, or an operation on held money, that was given up. The refund is booked; what was done
/// with the money otherwise is known once somebody asks for it anew.
async fn turned_up<P: Platform>(
    context: &Context<'_, P>,
    asker: &Asker,
    held: &Held,
) -> Result<Left, Failure> {
    // What is under way may be all that differs.
    if open_operation(held).is_some() {
        return Ok(Left::Try);
    }
    let question = match &held.charge {
        Some(charge) if question(held).operation != Operation::Refund => standing(held, charge),
        _ => question(held),
    };
    let look = Left::Look("It turned up at its processor after it was given up.");
    Ok(match asker.exchange(context, &Command::LookUp(question)).await {
        Outcome::Refunded { status: Status::Failed | Status::Canceled, .. } => Left::Nothing,
        Outcome::Refunded { reference, status, .. } => {
            match refunds::turned_up(context, held.clone(), &reference, status).await? {
                Some(_) => look,
                None => Left::Nothing,
            }
        }
        Outcome::Mismatch { .. } | Outcome::Refused { fault: Fault::State, .. } => look,
        Outcome::Refused { .. } | Outcome::Unknown { .. } | Outcome::Throttled { .. } => Left::Try,
        _ => Left::Nothing,
    })
}

async fn give_back<P: Platform>(
    context: &Context<'_, P>,
    asker: &Asker,
    attempt: &Attempt,
    payment: &str,
) -> bool {
    let key = format!("{}_give_back", attempt.id);
    let refund = Command::Refund { key: &key, payment, amount: attempt.amount, later: None };
    let found = asker.exchange(context, &Command::LookUp(refund.question())).await;
    let outcome = match found {
        Outcome::NotFound => asker.exchange(context, &refund).await,
        found => found,
    };
    matches!(outcome, Outcome::Refunded { status: Status::Succeeded, .. })
}
