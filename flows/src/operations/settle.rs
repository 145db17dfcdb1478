//! Bringing an attempt to its end: the processor is asked, and what it says is recorded, once.
//!
//! What the processor did not say is not guessed: the attempt stays open, its payment held, until somebody
//! learns it. What it did otherwise than it was asked is left to a person.

use connectors::{Fault, Outcome};
use domain::attempt::{AttemptState, Request};
use domain::event::Transition;
use domain::payment_intent::Status;
use domain::timestamp::DAY;
use store::scheduled_tasks::{self, Kind};
use store::{DatabaseError, Statement, attempts, customers, payment_intents};

use super::ask::{Asker, Asking, ask};
use super::failover::{self, Tried};
use super::undo::undo_if_given_up;
use super::{
    Held, MAX_RECORDINGS, RECOVERY_DELAY, authorize, call_for_secret, capture, increment, load,
    load_around, plan_undo, refund, refusal_told, void,
};
use crate::announce::{Subjects, events};
use crate::{Context, Failure, Platform};

/// Why an attempt stays open whose processor did nothing for its first sender.
const SENT_BY_OTHERS: &str = "somebody else has sent it, too";

/// Why a person has to look at an attempt whose processor shows what another stands for.
const KNOWN_ALREADY: &str = "Its processor shows it as what is known here as another refund.";

/// What is to be done with what a processor said.
enum Verdict {
    /// It is recorded.
    Record(Outcome),
    /// Nobody knows yet what it did.
    Wait {
        /// Why.
        problem: String,
        /// Its own reference, where it gave one.
        reference: Option<String>,
    },
    /// A person has to look.
    Park {
        /// Why.
        why: String,
        /// Its own reference, where it gave one.
        reference: Option<String>,
    },
}

/// Asks the processor of an open attempt and records what it says; where it did nothing, and its routing allows
/// it, another attempt is made and asked for in its stead. An attempt of which it says nothing stays
/// open for the next one who looks.
///
/// # Errors
/// When the database does not answer; the attempt then stays open, too.
pub async fn settle<P: Platform>(
    context: &Context<'_, P>,
    mut held: Held,
    mut asking: Asking<'_>,
) -> Result<Held, Failure> {
    loop {
        // Whoever was faster has tried it elsewhere: what comes of that counts.
        if let Some(next) = &held.attempt.resolution.next {
            held = Box::pin(load(context, next))
                .await?
                .ok_or_else(|| Failure::Bug(format!("{next} was there and is gone")))?;
            asking.is_first = false;
            continue;
        }
        if held.attempt.state != AttemptState::Started || held.attempt.attention.is_some() {
            return Ok(held);
        }
        let in_time = asking.in_time(context, &held.attempt);
        let outcome = ask(context, &held, in_time).await?;
        // Whoever asked before may have been answered otherwise.
        let reason = failover::reason(&held.attempt, &outcome).filter(|_| in_time.is_first);
        let tried = match reason {
            // On the heap, where it takes no room of the many payments that it is not needed for.
            Some(reason) => {
                let why = (reason, asking.cvc);
                Box::pin(failover::try_elsewhere(context, &held, &outcome, why)).await?
            }
            None => Tried::Here,
        };
        held = match tried {
            Tried::Elsewhere(next) => {
                held = *next;
                continue;
            }
            Tried::Here => take(context, held, outcome, in_time.is_first).await?,
            Tried::ByOthers => Box::pin(wait(context, held, SENT_BY_OTHERS, None)).await?,
        };
        if held.attempt.resolution.next.is_none() {
            return Ok(held);
        }
    }
}

/// Looks up an attempt that was left to a person. What its processor says by now counts.
///
/// # Errors
/// When the database does not answer, or the account cannot be opened.
pub(crate) async fn look_again<P: Platform>(
    context: &Context<'_, P>,
    held: Held,
) -> Result<Held, Failure> {
    let Some(asker) = Asker::of(context, &held.attempt).await? else { return Ok(held) };
    let found = asker.look_up(context, &held).await;
    match judge(found) {
        Verdict::Record(Outcome::NotFound) if !asker.knows_by_now(context, &held.attempt) => {
            Ok(held)
        }
        Verdict::Record(found) => record(context, held, &found, false).await,
        Verdict::Wait { .. } | Verdict::Park { .. } => Ok(held),
    }
}

/// Does with an open attempt what its processor's word asks for, whoever learnt it.
///
/// # Errors
/// When the database does not answer.
pub(crate) fn learnt<P: Platform>(
    context: &Context<'_, P>,
    held: Held,
    outcome: Outcome,
) -> impl Future<Output = Result<Held, Failure>> {
    take(context, held, outcome, false)
}

/// The same, of a processor's word to whoever sent an attempt first: what that one was refused ends it only where
/// nobody else has sent it.
async fn take<P: Platform>(
    context: &Context<'_, P>,
    mut held: Held,
    outcome: Outcome,
    is_first: bool,
) -> Result<Held, Failure> {
    // Its payment's says nothing of what was to be done with that, and would stand for an answer.
    let payment = held.charge.as_ref().and_then(|of| of.details.processor_reference.clone());
    let own = |reference: Option<String>| reference.filter(|own| Some(own) != payment.as_ref());
    match judge(outcome) {
        Verdict::Record(outcome) => record(context, held, &outcome, is_first).await,
        Verdict::Wait { problem, reference } => wait(context, held, &problem, own(reference)).await,
        Verdict::Park { why, reference } => {
            let reference = own(reference);
            if held.attempt.processor_reference.is_none() {
                held.attempt.processor_reference.clone_from(&reference);
            }
            let left = park(context, held, &why).await?;
            if reference.is_some() {
                undo_if_given_up(context, &left.attempt, reference.as_deref()).await?;
            }
            Ok(left)
        }
    }
}

fn judge(outcome: Outcome) -> Verdict {
    let wait = |problem, reference| Verdict::Wait { problem, reference };
    match outcome {
        Outcome::Pending { reference } => {
            wait("the processor will say later".to_owned(), Some(reference))
        }
        Outcome::Unknown { problem } => wait(problem, None),
        Outcome::Throttled { .. } => wait("the processor takes no requests now".to_owned(), None),
        // It was looked up, and can never come to what was asked for.
        Outcome::Refused { fault: Fault::State, message, .. } => {
            Verdict::Park { why: message, reference: None }
        }
        Outcome::Mismatch { reference, expected, found } => {
            Verdict::Park { why: told_otherwise(&expected, &found), reference: Some(reference) }
        }
        outcome => Verdict::Record(outcome),
    }
}

/// Why a person has to look at what a processor did otherwise than it was asked to.
pub(super) fn told_otherwise(expected: &str, found: &str) -> String {
    format!("The processor was asked for {expected}, and says {found}.")
}

/// Records what a processor said of an attempt, whoever learnt it.
async fn record<P: Platform>(
    context: &Context<'_, P>,
    mut held: Held,
    outcome: &Outcome,
    is_first: bool,
) -> Result<Held, Failure> {
    if let Outcome::Refused { code, message, .. } = outcome {
        let told = refusal_told(Some(code), Some(message));
        let told = format!("{told} ({code})");
        context.platform.log_error(held.attempt.id.as_str(), &told);
    }
    let resolved = held.attempt.resolved.clone();
    for _ in 0..MAX_RECORDINGS {
        if held.attempt.state != AttemptState::Started {
            // Somebody gave it up meanwhile, and what it holds is known nowhere.
            let reference = match outcome {
                Outcome::Authorized { reference, .. } => Some(reference),
                Outcome::ChallengeRequired { reference, .. } => reference.as_ref(),
                _ => return Ok(held),
            };
            undo_if_given_up(context, &held.attempt, reference.map(String::as_str)).await?;
            return Ok(held);
        }
        held.attempt.resolved.clone_from(&resolved);
        let mut after = held.clone();
        let mut statements = apply(context, &mut after, outcome)?;
        if is_first && matches!(outcome, Outcome::Refused { .. }) {
            statements.insert(0, attempts::must_be_sent_once(&held.attempt.id));
        }
        statements.extend(call_for_secret(&held.attempt, outcome, context.now));
        match context.change(statements).await {
            Ok(_) => return Ok(after),
            Err(DatabaseError::Guard(name)) if name == attempts::ONCE_GUARD => {
                return Box::pin(wait(context, held, SENT_BY_OTHERS, None)).await;
            }
            // Who named it is told; nobody else can say which of the two it is.
            Err(DatabaseError::Guard(name)) if name == attempts::REFERENCE_GUARD => {
                return match resolved {
                    Some(_) => Err(DatabaseError::Guard(name).into()),
                    None => Box::pin(park(context, held, KNOWN_ALREADY)).await,
                };
            }
            Err(DatabaseError::Guard(name)) => {
                held = load_around(context, held.attempt).await?;
                // The payment stands, but a customer deleted meanwhile keeps no card.
                if name == customers::EXISTS_GUARD
                    && let Request::Authorize(authorize) = &mut held.attempt.request
                {
                    authorize.saves_card = false;
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Bug(format!("the outcome of {} could not be recorded", held.attempt.id)))
}

/// The statements that record an outcome, with the objects as they are afterwards.
fn apply<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
    outcome: &Outcome,
) -> Result<Vec<Statement>, Failure> {
    let changes = match held.attempt.request.clone() {
        Request::Authorize(authorize) => authorize::record(context, held, &authorize, outcome)?,
        Request::Capture { is_final, terms } => {
            capture::record(context, held, is_final, &terms, outcome)?
        }
        Request::Increment => increment::record(context, held, outcome)?,
        Request::Void { reason } => void::record(context, held, reason, outcome)?,
        Request::Refund { .. } => refund::record(context, held, outcome)?,
    };
    held.attempt.attention = None;
    let mut statements = attempts::advance(&held.attempt, AttemptState::Started).to_vec();
    statements.push(scheduled_tasks::delete(
        held.attempt.created.plus(RECOVERY_DELAY),
        Kind::RecoverAttempt,
        held.attempt.id.as_str(),
    ));
    statements.extend(changes);
    // Should it turn up all the same, nothing else may tell of it.
    if *outcome == Outcome::NotFound {
        let later = context.now.plus(DAY);
        statements.push(plan_undo(context, held.attempt.id.as_str(), later));
    }
    Ok(statements)
}

/// Leaves an attempt open, and shows that its payment is on its way.
async fn wait<P: Platform>(
    context: &Context<'_, P>,
    mut held: Held,
    problem: &str,
    reference: Option<String>,
) -> Result<Held, Failure> {
    context.platform.log_error(held.attempt.id.as_str(), &format!("it stays open: {problem}"));
    for _ in 0..MAX_RECORDINGS {
        if held.attempt.state != AttemptState::Started {
            // It is there, and may come to something yet.
            if reference.is_some() {
                undo_if_given_up(context, &held.attempt, reference.as_deref()).await?;
            }
            return Ok(held);
        }
        let mut after = held.clone();
        let mut statements = Vec::new();
        if let Some(reference) =
            reference.as_ref().filter(|_| held.attempt.processor_reference.is_none())
        {
            after.attempt.processor_reference = Some(reference.clone());
            statements.extend(attempts::goes_on(&after.attempt.id, reference));
        }
        statements.extend(on_its_way(context, &mut after)?);
        if statements.is_empty() {
            return Ok(held);
        }
        match context.change(statements).await {
            Ok(_) => return Ok(after),
            Err(DatabaseError::Guard(_)) => held = load_around(context, held.attempt).await?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(held)
}

/// The statements that show of a payment that nobody knows what its processor does with it.
fn on_its_way<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
) -> Result<Vec<Statement>, Failure> {
    let (Some(intent), Request::Authorize(_), AttemptState::Started) =
        (&mut held.payment_intent, &held.attempt.request, held.attempt.state)
    else {
        return Ok(Vec::new());
    };
    if intent.status() == Status::Processing {
        return Ok(Vec::new());
    }
    intent.processing(&held.attempt.id)?;
    let mut statements = payment_intents::update(intent).to_vec();
    let subjects = Subjects { payment_intent: Some(intent), ..Subjects::default() };
    statements.extend(events(context, Transition::IntentProcessing, subjects, None));
    Ok(statements)
}

/// Leaves an attempt to a person, its payment held: nobody else may try anything with it.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn park<P: Platform>(
    context: &Context<'_, P>,
    mut held: Held,
    why: &str,
) -> Result<Held, Failure> {
    let state = held.attempt.state;
    for _ in 0..MAX_RECORDINGS {
        // Somebody else learnt what became of it, or parked it.
        if held.attempt.state != state || held.attempt.attention.is_some() {
            return Ok(held);
        }
        let mut after = held.clone();
        let mut statements = attempts::park(&after.attempt, why).to_vec();
        after.attempt.attention = Some(why.to_owned());
        statements.extend(on_its_way(context, &mut after)?);
        let subjects = Subjects { attempt: Some(&after.attempt), ..Subjects::default() };
        statements.extend(events(context, Transition::AttemptParked, subjects, None));
        match context.change(statements).await {
            Ok(_) => {
                context.platform.wake(context.now);
                return Ok(after);
            }
            Err(DatabaseError::Guard(_)) => held = load_around(context, held.attempt).await?,
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Bug(format!("{} could not be left to a person", held.attempt.id)))
}
