//! Hearing: what a processor tells unasked of an attempt goes the same way as its answer and a lookup.
//!
//! A notice may be late, told twice or out of order. What it says plainly is recorded, over the attempt as it was
//! seen; where it says otherwise than was asked, which an old one does, the processor itself is asked.

use connectors::webhook::Notice;
use connectors::{Command, Connector, LookUp, Operation, Outcome};
use domain::attempt::{Attempt, AttemptState, Request};
use domain::charge::Charge;
use domain::id::AttemptId;
use domain::refund;
use store::scheduled_tasks::{self, Kind, Task};

use super::ask::{Asker, question};
use super::{Held, learnt, load, look_again, plan_undo};
use crate::platform::PlatformError;
use crate::{Context, Failure, Platform, payment_intents};

/// What a notice that is plain says; nothing of one that is not, and nothing new of one that is old.
pub(crate) enum Said {
    /// This.
    Plainly(Outcome),
    /// Its processor has to be asked.
    Unclear,
    /// Nothing that is new.
    Nothing,
}

/// What a notice says of an attempt.
fn said(connector: Connector, held: &Held, notice: &Notice) -> Said {
    match connector.heard(&question(held), notice) {
        Outcome::Unknown { .. } => Said::Nothing,
        // Where the cardholder is to go is told by the payment itself.
        Outcome::ChallengeRequired { url: None, .. }
        | Outcome::Mismatch { .. }
        | Outcome::Refused { .. }
        | Outcome::Throttled { .. }
        | Outcome::NotFound => Said::Unclear,
        outcome => Said::Plainly(outcome),
    }
}

/// Does what a notice says of a payment: of its authorisation, or of the operation that is open on it. Says why a
/// person should look, where it contradicts what is known.
///
/// # Errors
/// When the database or the processor does not answer.
pub(crate) async fn hear_of_payment<P: Platform>(
    context: &Context<'_, P>,
    connector: Connector,
    held: Held,
    notice: &Notice,
) -> Result<Option<String>, Failure> {
    match held.attempt.state {
        AttemptState::Started => hear(context, connector, held, notice).await?,
        AttemptState::RequiresAction => {
            let said = said(connector, &held, notice);
            payment_intents::hear_of_challenge(context, &held.attempt.id, said).await?;
            must_have_answered(context)?;
        }
        AttemptState::Failed | AttemptState::Canceled => {
            undo_what_turned_up(context, connector, &held, notice).await?;
        }
        AttemptState::Succeeded | AttemptState::Processing => match open_operation(&held) {
            Some(open) => match load(context, &open).await? {
                Some(open) if open.attempt.state == AttemptState::Started => {
                    hear(context, connector, open, notice).await?;
                }
                _ => {}
            },
            None => return compare(context, connector, &held, notice).await,
        },
    }
    Ok(None)
}

/// Does what a notice says of an attempt that is open.
///
/// # Errors
/// When the database or the processor does not answer.
pub(crate) async fn hear<P: Platform>(
    context: &Context<'_, P>,
    connector: Connector,
    held: Held,
    notice: &Notice,
) -> Result<(), Failure> {
    match said(connector, &held, notice) {
        // On the heap: by here a webhook's stack is deep, and not every build's frames are small.
        Said::Plainly(outcome) => {
            Box::pin(learnt(context, held, outcome)).await?;
        }
        Said::Unclear => {
            Box::pin(look_again(context, held)).await?;
            must_have_answered(context)?;
        }
        Said::Nothing => {}
    }
    Ok(())
}

/// The processor sends a notice again that could not be followed up.
fn must_have_answered<P: Platform>(context: &Context<'_, P>) -> Result<(), Failure> {
    match context.unanswered.borrow().is_some() {
        true => {
            let problem = "it does not answer what its webhook asks for".to_owned();
            Err(PlatformError { part: "processor", problem }.into())
        }
        false => Ok(()),
    }
}

/// The operation that holds a payment.
fn open_operation(held: &Held) -> Option<AttemptId> {
    let of_intent =
        held.payment_intent.as_ref().and_then(|intent| intent.pending_operation.clone());
    of_intent.or_else(|| held.charge.as_ref()?.details.pending_operation.clone())
}

/// Plans that what turned up for an authorisation that was given up is taken back; its processor is asked what that
/// is.
async fn undo_what_turned_up<P: Platform>(
    context: &Context<'_, P>,
    connector: Connector,
    held: &Held,
    notice: &Notice,
) -> Result<(), Failure> {
    let turned_up = matches!(
        connector.heard(&question(held), notice),
        Outcome::Authorized { .. } | Outcome::ChallengeRequired { .. } | Outcome::Mismatch { .. }
    );
    if turned_up {
        let plan = plan_undo(context, held.attempt.id.as_str(), context.now);
        context.change(vec![plan]).await?;
    }
    Ok(())
}

/// Compares what a payment holds with what its processor says. What it let go of is let go of here, as when its time is
/// over; what it took unasked is for a person.
async fn compare<P: Platform>(
    context: &Context<'_, P>,
    connector: Connector,
    held: &Held,
    notice: &Notice,
) -> Result<Option<String>, Failure> {
    let Some(charge) = held.charge.as_ref().filter(|charge| !charge.capturable().is_zero()) else {
        return Ok(None);
    };
    let question = LookUp {
        key: held.attempt.id.as_str(),
        operation: Operation::Void,
        amount: charge.amount,
        captured: charge.captured,
        payment: Some(charge.details.processor_reference.as_deref().unwrap_or_default()),
        reference: None,
    };
    let is_odd =
        |outcome: &Outcome| matches!(outcome, Outcome::Refused { .. } | Outcome::Mismatch { .. });
    let mut outcome = connector.heard(&question, notice);
    // An old notice shows less than was taken since.
    if is_odd(&outcome)
        && let Some(asker) = Asker::of(context, &held.attempt).await?
    {
        outcome = asker.exchange(context, &Command::LookUp(question)).await;
        must_have_answered(context)?;
    }
    match outcome {
        Outcome::Done { .. } | Outcome::Canceled { .. } => {
            plan_expiry(context, charge).await?;
            Ok(None)
        }
        Outcome::Refused { message, .. } => Ok(Some(message)),
        Outcome::Mismatch { expected, found, .. } => {
            Ok(Some(format!("It should say {expected}, and says {found}.")))
        }
        _ => Ok(None),
    }
}

async fn plan_expiry<P: Platform>(
    context: &Context<'_, P>,
    charge: &Charge,
) -> Result<(), Failure> {
    context.platform.wake(context.now);
    let task = Task {
        due_at: context.now,
        kind: Kind::ExpireAuthorization,
        subject: charge.id.as_str().to_owned(),
        scope: context.scope.clone(),
        tries: 0,
    };
    context.change(vec![scheduled_tasks::insert(&task)]).await?;
    Ok(())
}

/// What a notice says of a refund that its processor took: how it stands, and why it failed.
pub(crate) fn refund_told(
    connector: Connector,
    question: &LookUp<'_>,
    notice: &Notice,
) -> Option<(refund::Status, Option<String>)> {
    match connector.heard(question, notice) {
        Outcome::Refunded { status, failure_reason, .. } => Some((status, failure_reason)),
        _ => None,
    }
}

/// Does what a notice says of a refund of ours.
///
/// # Errors
/// When the database or the processor does not answer.
pub(crate) async fn hear_of_refund<P: Platform>(
    context: &Context<'_, P>,
    connector: Connector,
    held: Held,
    notice: &Notice,
) -> Result<(), Failure> {
    if held.attempt.state == AttemptState::Started {
        return hear(context, connector, held, notice).await;
    }
    let (Request::Refund { refund }, Some((status, why))) =
        (&held.attempt.request, refund_told(connector, &question(&held), notice))
    else {
        return Ok(());
    };
    crate::refunds::told(context, refund.as_str(), status, why).await
}

/// The attempt of a refund that somebody else made at the processor of a charge: its processor is asked after it as
/// after one of ours.
pub(crate) fn attempt_made_elsewhere(attempt: Attempt, id: AttemptId, reference: &str) -> Attempt {
    Attempt {
        id,
        state: AttemptState::Succeeded,
        processor_reference: Some(reference.to_owned()),
        ..attempt
    }
}
