//! Hearing: what a processor tells unasked of an attempt goes the same way as its answer and a lookup.
//!
//! A notice may be late, told twice or out of order. What it says plainly is recorded, over the attempt as it was
//! seen; where it says otherwise than was asked, which an old one does, the processor itself is asked.

use connectors::webhook::{Notice, Subject};
use connectors::{Command, Connector, LookUp, Operation, Outcome};
use domain::attempt::{Attempt, AttemptState, Request};
use domain::charge::Charge;
use domain::id::{AttemptId, ConnectorAccountId};
use domain::money::{Amount, Money};
use domain::refund;
use store::scheduled_tasks::{self, Kind, Task};

use super::ask::{Asker, Asking};
use super::command::question;
use super::undo::undo_if_given_up;
use super::{Held, failover, learnt, load, look_again};
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
        // What its card's checks came to, and where the cardholder is to go, is told by the payment itself.
        Outcome::Authorized { .. } if notice.is_partial => Said::Unclear,
        Outcome::ChallengeRequired { url: None, .. }
        | Outcome::Mismatch { .. }
        | Outcome::Refused { .. }
        | Outcome::Throttled { .. }
        | Outcome::NotFound => Said::Unclear,
        outcome => Said::Plainly(outcome),
    }
}

/// Does what a notice says of a payment, which is of this reference there: of its authorisation, or of the operation
/// that is open on it. Says why a person should look, where it contradicts what is known.
///
/// # Errors
/// When the database or the processor does not answer.
pub(crate) async fn hear_of_payment<P: Platform>(
    context: &Context<'_, P>,
    connector: Connector,
    held: Held,
    notice: &Notice,
    reference: &str,
) -> Result<Option<String>, Failure> {
    if let Some(problem) = second_payment(connector, &held, notice, reference) {
        return Ok(Some(problem));
    }
    match held.attempt.state {
        AttemptState::Started => return hear(context, connector, held, notice).await,
        AttemptState::RequiresAction => {
            let said = said(connector, &held, notice);
            payment_intents::hear_of_challenge(context, &held.attempt.id, said).await?;
            must_have_answered(context)?;
        }
        AttemptState::Failed | AttemptState::Canceled => {
            undo_what_turned_up(context, connector, &held, notice, reference).await?;
        }
        AttemptState::Succeeded | AttemptState::Processing => match open_operation(&held) {
            Some(open) => match load(context, &open).await? {
                Some(open) if open.attempt.state == AttemptState::Started => {
                    return hear(context, connector, open, notice).await;
                }
                _ => {}
            },
            None => return compare(context, connector, &held, notice).await,
        },
    }
    Ok(None)
}

/// Why a person should look at a payment that is there beside the one that is known by its key: its cardholder may have
/// paid twice, and which of them counts is not guessed.
fn second_payment(
    connector: Connector,
    held: &Held,
    notice: &Notice,
    reference: &str,
) -> Option<String> {
    let known = held.attempt.processor_reference.as_deref().filter(|known| *known != reference)?;
    let question = LookUp { reference: Some(reference), ..question(held) };
    let said = connector.heard(&question, notice);
    matches!(said, Outcome::Authorized { .. } | Outcome::Mismatch { .. })
        .then(|| format!("{reference} was paid there under the key of {known}."))
}

/// Does what a notice says of an attempt that is open. Says why it has to wait: a no with which whoever sent the attempt
/// goes on elsewhere ends it only once that one must have died.
async fn hear<P: Platform>(
    context: &Context<'_, P>,
    connector: Connector,
    mut held: Held,
    notice: &Notice,
) -> Result<Option<String>, Failure> {
    match said(connector, &held, notice) {
        Said::Plainly(outcome)
            if failover::reason(&held.attempt, &outcome).is_some()
                && Asking::first().in_time(context, &held.attempt).is_first =>
        {
            return Ok(Some(format!("Whoever sent {} may be about to go on.", held.attempt.id)));
        }
        // On the heap: by here a webhook's stack is deep, and not every build's frames are small.
        Said::Plainly(outcome) => {
            Box::pin(learnt(context, held, outcome)).await?;
        }
        Said::Unclear => {
            // A search by our key may not find it for a while.
            if let (Request::Authorize(_), Subject::Payment { reference, .. }) =
                (&held.attempt.request, &notice.subject)
            {
                held.attempt.processor_reference.get_or_insert_with(|| reference.clone());
            }
            Box::pin(look_again(context, held)).await?;
            must_have_answered(context)?;
        }
        Said::Nothing => {}
    }
    Ok(None)
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
pub(super) fn open_operation(held: &Held) -> Option<AttemptId> {
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
    reference: &str,
) -> Result<(), Failure> {
    match connector.heard(&question(held), notice) {
        Outcome::Authorized { .. }
        | Outcome::ChallengeRequired { .. }
        | Outcome::Mismatch { .. } => {
            undo_if_given_up(context, &held.attempt, Some(reference)).await
        }
        _ => Ok(()),
    }
}

/// Compares what a payment holds with what its processor says. What it let go of is let go of here, as when its time is
/// over; what it took unasked is for a person.
async fn compare<P: Platform>(
    context: &Context<'_, P>,
    connector: Connector,
    held: &Held,
    notice: &Notice,
) -> Result<Option<String>, Failure> {
    let Some(charge) = &held.charge else { return Ok(None) };
    if charge.capturable().is_zero() {
        return match charge.is_captured() {
            true => contradicted(context, connector, held, charge, notice).await,
            false => Ok(None),
        };
    }
    let question = standing(held, charge);
    let is_odd =
        |outcome: &Outcome| matches!(outcome, Outcome::Refused { .. } | Outcome::Mismatch { .. });
    let mut outcome = connector.heard(&question, notice);
    // An old notice shows less than was taken since.
    if is_odd(&outcome)
        && let Some(account) = &held.attempt.connector_account
    {
        outcome = Box::pin(asked(context, account, question)).await?;
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

/// Why a person should look at a payment that was taken, where its processor says otherwise by now, as when a bank sent a
/// capture back days later.
async fn contradicted<P: Platform>(
    context: &Context<'_, P>,
    connector: Connector,
    held: &Held,
    charge: &Charge,
    notice: &Notice,
) -> Result<Option<String>, Failure> {
    let taken = LookUp {
        operation: Operation::Capture,
        amount: Money { amount: charge.captured, ..charge.amount },
        captured: Amount::ZERO,
        ..standing(held, charge)
    };
    let is_odd = matches!(
        connector.heard(&question(held), notice),
        Outcome::Canceled { .. }
            | Outcome::Declined(_)
            | Outcome::Mismatch { .. }
            | Outcome::Pending { .. }
    );
    let mut outcome = connector.heard(&taken, notice);
    if !is_odd || matches!(outcome, Outcome::Done { .. }) {
        return Ok(None);
    }
    // An old notice shows what was before.
    if let Some(account) = &held.attempt.connector_account {
        outcome = Box::pin(asked(context, account, taken)).await?;
    }
    Ok(match outcome {
        Outcome::Done { .. } => None,
        Outcome::Refused { message, .. } => Some(message),
        Outcome::Unknown { problem } => Some(problem),
        _ => Some(format!("It says of {} that it was not taken, or otherwise.", charge.id)),
    })
}

/// What is asked after a payment whose processor is to have taken what the books say, and no more.
pub(super) fn standing<'a>(held: &'a Held, charge: &'a Charge) -> LookUp<'a> {
    LookUp {
        key: held.attempt.id.as_str(),
        operation: Operation::Void,
        amount: charge.amount,
        captured: charge.captured,
        is_instead: false,
        payment: Some(charge.details.processor_reference.as_deref().unwrap_or_default()),
        reference: None,
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

/// What is said of a refund that its processor took: how it stands, and why it failed.
pub(crate) fn refund_told(said: Outcome) -> Option<(refund::Status, Option<String>)> {
    match said {
        Outcome::Refunded { status, failure_reason, .. } => Some((status, failure_reason)),
        _ => None,
    }
}

/// What the processor itself says of what a notice of its account is about.
///
/// # Errors
/// When the database or the processor does not answer.
pub(crate) async fn asked<P: Platform>(
    context: &Context<'_, P>,
    account: &ConnectorAccountId,
    question: LookUp<'_>,
) -> Result<Outcome, Failure> {
    let asker = Asker::at(context, account).await?;
    let said = asker.exchange(context, &Command::LookUp(question)).await;
    must_have_answered(context)?;
    Ok(said)
}

/// Does what a notice says of a refund of ours, which is of this reference there. Says why a person should look, where
/// it gives money back that nobody here knows of.
///
/// # Errors
/// When the database or the processor does not answer.
pub(crate) async fn hear_of_refund<P: Platform>(
    context: &Context<'_, P>,
    connector: Connector,
    held: Held,
    notice: &Notice,
    reference: &str,
) -> Result<Option<String>, Failure> {
    let known = held.attempt.processor_reference.as_deref();
    let is_second = known.is_some_and(|known| known != reference);
    if held.attempt.state == AttemptState::Started && !is_second {
        return hear(context, connector, held, notice).await;
    }
    let Request::Refund { refund } = &held.attempt.request else { return Ok(None) };
    let question = LookUp { reference: Some(reference), ..question(&held) };
    let said = connector.heard(&question, notice);
    let Some((status, why)) = refund_told(said) else { return Ok(None) };
    // It may have turned up before, and is followed as what it was booked as.
    if let Some(charge) = &held.charge
        && let Some(known) =
            crate::refunds::booked_beside(context, &charge.id, refund, reference).await?
    {
        crate::refunds::told(context, known.id.as_str(), status, why).await?;
        return Ok(None);
    }
    let is_over = |status| matches!(status, refund::Status::Failed | refund::Status::Canceled);
    let was_given_up = held.refund.as_ref().is_some_and(|refund| is_over(refund.status));
    let is_unexpected = !is_over(status) && (is_second || was_given_up);
    if !is_unexpected {
        if !is_second {
            crate::refunds::told(context, refund.as_str(), status, why).await?;
        }
        return Ok(None);
    }
    // An old notice shows it as it was before it failed.
    let Some(account) = &held.attempt.connector_account else { return Ok(None) };
    match Box::pin(asked(context, account, question)).await? {
        Outcome::Refunded { status, .. } if is_over(status) => return Ok(None),
        Outcome::Refunded { status, .. }
            if held.attempt.state == AttemptState::Failed && !is_second =>
        {
            return crate::refunds::turned_up(context, held, reference, status).await;
        }
        _ => {}
    }
    let problem = format!("{reference} gives money back there, beside what is known of {refund}.");
    Ok(Some(problem))
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
