//! Recovery: what a crash, a timeout or a lost answer left open is brought to its end.

use domain::ApiError;
use domain::attempt::{AttemptState, Found};
use domain::charge::Charge;
use domain::id::{AttemptId, Id};
use domain::payment_intent::{CancellationReason, Status};
use domain::timestamp::{DAY, HOUR};
use store::scheduled_tasks::{self, Kind, Task};
use store::{DatabaseError, attempts, charges};

use crate::operations::{self, Asking, Held, Left};
use crate::{Context, Failure, Platform};

/// After how many seconds an attempt of which the processor never said what it did is left to a person.
pub const GIVES_UP_AFTER: i64 = 3 * DAY;

/// How often it is tried to take back what a processor did: for three days.
const MOST_UNDOINGS: i64 = 78;

/// How often money that was held for too long is tried to be let go of before a person has to look: for three days.
const MOST_EXPIRIES: i64 = 3;

/// After how many seconds a refund that is still on its way is left to a person.
const LONGEST_REFUND: i64 = 30 * DAY;

/// How often a task counts as tried once it was left to a person, who is told once.
const LEFT_TO_A_PERSON: i64 = 1_000_000;

/// The longest pause between two questions after the same attempt, in seconds.
const LONGEST_PAUSE: i64 = HOUR;

/// Brings an attempt that nobody recorded to its end, by asking the processor under its key; one that its
/// processor says nothing of is asked after again, each time after twice as long, and after three days left
/// to a person, but looked up once a day. Nothing is guessed.
///
/// # Errors
/// When the database does not answer; the attempt is looked at again later.
pub async fn recover_attempt<P: Platform>(
    context: &Context<'_, P>,
    task: &Task,
) -> Result<(), Failure> {
    let Some(held) = operations::load(context, &attempt_id(&task.subject)?).await? else {
        return Ok(());
    };
    let age = context.now.seconds().saturating_sub(held.attempt.created.seconds());
    let left = match held.attempt.state {
        AttemptState::Started => recover_started(context, held, age).await?,
        // A cardholder who paid may never come back to our page, and one who has not in days never will. At the
        // simulator nobody pays but on that page.
        AttemptState::RequiresAction if held.attempt.connector_account.is_some() => {
            let id = &held.attempt.id;
            let is_old = age >= GIVES_UP_AFTER;
            let asked = crate::payment_intents::return_from_challenge(context, id, is_old).await;
            let is_late = age >= GIVES_UP_AFTER.saturating_mul(2);
            let silent = "The processor has not said how its challenge stands, for days.";
            let why = why(asked.err(), is_late, silent)?;
            if is_late { operations::park(context, held, &why).await? } else { held }
        }
        _ => return Ok(()),
    };
    match (left.attempt.state.is_open(), left.attempt.attention) {
        (false, _) => Ok(()),
        (true, Some(_)) => plan_again(context, task, DAY).await,
        (true, None) => plan_again(context, task, age.min(LONGEST_PAUSE)).await,
    }
}

/// Asks after an attempt of this age of which nobody knows what the processor did.
async fn recover_started<P: Platform>(
    context: &Context<'_, P>,
    held: Held,
    age: i64,
) -> Result<Held, Failure> {
    let is_parked = held.attempt.attention.is_some();
    let asked = match is_parked {
        true => operations::look_again(context, held.clone()).await,
        false => operations::settle(context, held.clone(), Asking::default()).await,
    };
    let (left, failure) = match asked {
        Ok(left) => (left, None),
        Err(failure) => (held, Some(failure)),
    };
    let is_late = age >= GIVES_UP_AFTER;
    let why = why(failure, is_late, "The processor has not said what it did, for three days.")?;
    if !is_late || is_parked || left.attempt.state != AttemptState::Started {
        return Ok(left);
    }
    operations::park(context, left, &why).await
}

/// Why a person has to look at what is late: what cannot be asked after at all, as where an account's secret does not open,
/// would fail for ever. What may succeed a moment later, or is not late, is tried again.
fn why(failure: Option<Failure>, is_late: bool, silent: &str) -> Result<String, Failure> {
    match failure {
        None => Ok(silent.to_owned()),
        Some(failure)
            if !is_late || failure.is_outage() || matches!(failure, Failure::Database(_)) =>
        {
            Err(failure)
        }
        Some(failure) => Ok(format!("It could not be asked after for days: {failure}")),
    }
}

/// Plans a task once more, `pause` seconds from now, in the stead of what it was planned as.
async fn plan_again<P: Platform>(
    context: &Context<'_, P>,
    task: &Task,
    pause: i64,
) -> Result<(), Failure> {
    let pause = pause.max(operations::RECOVERY_DELAY);
    let next = Task {
        due_at: context.now.plus(pause),
        tries: task.tries.saturating_add(1),
        ..task.clone()
    };
    let batch = vec![
        scheduled_tasks::delete(task.due_at, task.kind, &task.subject),
        scheduled_tasks::insert(&next),
    ];
    context.batch(batch).await?;
    Ok(())
}

fn attempt_id(subject: &str) -> Result<AttemptId, Failure> {
    AttemptId::parse(subject).map_err(|_| Failure::Bug(format!("{subject} is no attempt")))
}

/// Takes back what a processor did, or does yet, for an attempt that was given up.
///
/// # Errors
/// When the database does not answer; it is tried again later.
pub async fn undo_attempt<P: Platform>(
    context: &Context<'_, P>,
    task: &Task,
) -> Result<(), Failure> {
    let Some(held) = operations::load(context, &attempt_id(&task.subject)?).await? else {
        return Ok(());
    };
    // Somebody took it back by hand.
    if held.attempt.resolved.as_ref().is_some_and(|by| by.outcome == Found::Handled) {
        return Ok(());
    }
    let (look, failure) = match operations::undo(context, &held).await {
        // Planned by whoever finds that, also where it is not who let go of it: that one may have died.
        Ok(Left::LetGo) if task.kind == Kind::UndoAttempt => {
            unpark(context, &held).await?;
            let due_at = context.now.plus(DAY);
            let look = Task { due_at, kind: Kind::LookAgain, tries: 0, ..task.clone() };
            context.batch(vec![scheduled_tasks::insert(&look)]).await?;
            return Ok(());
        }
        Ok(Left::Nothing | Left::LetGo) => return unpark(context, &held).await,
        Ok(Left::Look(why)) => (Some(why), None),
        Ok(Left::Try) => (None, None),
        Err(failure) => (None, Some(failure)),
    };
    let is_late = task.tries >= MOST_UNDOINGS;
    let silent = "What its processor did for it, if anything, after it was given up could not be taken \
                  back.";
    let why = why(failure, is_late, look.unwrap_or(silent))?;
    if is_late || look.is_some() {
        operations::park(context, held, &why).await?;
        return plan_again(context, task, DAY).await;
    }
    let doublings = u32::try_from(task.tries.clamp(0, 10)).unwrap_or(10);
    let pause = operations::RECOVERY_DELAY.saturating_mul(2_i64.saturating_pow(doublings));
    plan_again(context, task, pause.min(LONGEST_PAUSE)).await
}

/// Nobody has to look at an attempt any more that was left to a person: what was left to do is done.
async fn unpark<P: Platform>(context: &Context<'_, P>, held: &Held) -> Result<(), Failure> {
    if held.attempt.attention.is_none() {
        return Ok(());
    }
    match context.batch(attempts::resolve(&held.attempt.id, None).to_vec()).await {
        // A person was faster.
        Ok(_) | Err(DatabaseError::Guard(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Lets go of money that was held for too long without having been taken. A processor that refuses is asked again
/// each day, and after some a person has to look.
///
/// # Errors
/// When the database does not answer, or another operation holds the payment; it is tried again later.
pub async fn expire_authorization<P: Platform>(
    context: &Context<'_, P>,
    task: &Task,
) -> Result<(), Failure> {
    let Some(held) = let_go(context, &task.subject).await? else { return Ok(()) };
    let mut next = task.clone();
    match held.attempt.state {
        AttemptState::Succeeded => return Ok(()),
        AttemptState::Failed if (MOST_EXPIRIES..LEFT_TO_A_PERSON).contains(&task.tries) => {
            let why = "The processor does not let go of what it held for too long.";
            operations::park(context, held, why).await?;
            next.tries = LEFT_TO_A_PERSON;
        }
        _ => {}
    }
    plan_again(context, &next, DAY).await
}

/// Lets go of what a charge holds; nothing where it holds nothing any more.
async fn let_go<P: Platform>(
    context: &Context<'_, P>,
    subject: &str,
) -> Result<Option<Held>, Failure> {
    let found: Option<Charge> = context.find(charges::find(&context.scope, subject)).await?;
    let Some(charge) = found.filter(|charge| !charge.capturable().is_zero()) else {
        return Ok(None);
    };
    let intent = match &charge.payment_intent {
        Some(id) => Some(crate::payment_intents::find(context, id.as_str()).await?),
        None => None,
    };
    if intent.as_ref().is_some_and(|intent| intent.status() != Status::RequiresCapture) {
        return Ok(None);
    }
    let open = match &intent {
        Some(intent) => &intent.pending_operation,
        None => &charge.details.pending_operation,
    };
    if let Some(open) = open {
        // What a person has to look at is not over within the hour.
        let open = operations::load(context, open).await?;
        let open = open.filter(|open| open.attempt.attention.is_some());
        return open.map(Some).ok_or_else(|| ApiError::LockTimeout.into());
    }
    let Some(intent) = intent else {
        return crate::charges::expire(context, charge).await.map(Some);
    };
    let expired = Some(CancellationReason::Expired);
    match crate::payment_intents::void(context, intent, charge, expired).await? {
        Some(held) => Ok(Some(held)),
        None => Err(ApiError::LockTimeout.into()),
    }
}

/// Opens the dispute that the simulator's cardholder has of a charge.
///
/// # Errors
/// When the database does not answer; it is tried again later.
pub async fn open_dispute<P: Platform>(
    context: &Context<'_, P>,
    subject: &str,
) -> Result<(), Failure> {
    crate::disputes::open(context, subject).await
}

/// Does what the simulator's bank does with a dispute by now.
///
/// # Errors
/// When the database does not answer; it is tried again later.
pub async fn settle_dispute<P: Platform>(
    context: &Context<'_, P>,
    subject: &str,
) -> Result<(), Failure> {
    crate::disputes::settle(context, subject).await
}

/// Brings a payout that the simulator keeps on its way to its next state.
///
/// # Errors
/// When the database does not answer; it is tried again later.
pub async fn advance_payout<P: Platform>(
    context: &Context<'_, P>,
    subject: &str,
) -> Result<(), Failure> {
    crate::payouts::advance(context, subject).await
}

/// Brings a refund that is on its way to its end; one that has not arrived yet is looked at again, after twice as
/// long up to a day. One that is on its way for a month is left to a person, too.
///
/// # Errors
/// When the database does not answer; it is tried again later.
pub async fn settle_refund<P: Platform>(
    context: &Context<'_, P>,
    task: &Task,
) -> Result<(), Failure> {
    let (refund, failure) = match crate::refunds::settle(context, &task.subject).await {
        Ok(None) => return Ok(()),
        Ok(Some(refund)) => (refund, None),
        Err(failure) => (crate::refunds::find(context, &task.subject).await?, Some(failure)),
    };
    let age = context.now.seconds().saturating_sub(refund.created.seconds());
    let is_late = age >= LONGEST_REFUND;
    let silent = "The processor has not said what became of its refund, for a month.";
    let why = why(failure, is_late, silent)?;
    let mut next = task.clone();
    if is_late
        && task.tries < LEFT_TO_A_PERSON
        && let Some(attempt) = &refund.details.attempt
        && let Some(held) = operations::load(context, attempt).await?
    {
        operations::park(context, held, &why).await?;
        next.tries = LEFT_TO_A_PERSON;
    }
    plan_again(context, &next, age.min(DAY)).await
}

/// Keeps the receipt of a charge, and sends it to the customer after it was tried in vain so often.
///
/// # Errors
/// When the bucket, the database or whoever sends mail does not answer; it is tried again later.
pub async fn send_receipt<P: Platform>(
    context: &Context<'_, P>,
    subject: &str,
    tries: i64,
) -> Result<(), Failure> {
    crate::receipts::send(context, subject, tries).await
}

/// Writes on at a report whose last step was tried in vain so often.
///
/// # Errors
/// When the database or the bucket does not answer; it is tried again later.
pub async fn run_report<P: Platform>(
    context: &Context<'_, P>,
    subject: &str,
    tries: i64,
) -> Result<(), Failure> {
    crate::reports::run(context, subject, tries).await
}
