//! Operations at a processor, as sagas: an attempt is written, the processor is asked, its answer is
//! recorded.
//!
//! The first batch of an operation holds its intent and writes the attempt; [`settle`] asks the
//! processor under the attempt's key and records what it says, guarded on the attempt. Whoever finds
//! the attempt open may settle it: the request itself, its retry after a crash, or recovery. Only
//! one of them can record, and the others see what it recorded.

mod authorize;
mod capture;
mod increment;
mod method;
mod refund;
mod void;

use connectors::{Command, Outcome, simulator};
use domain::ApiError;
use domain::attempt::{Attempt, AttemptState, Request};
use domain::charge::Charge;
use domain::error::CardError;
use domain::id::AttemptId;
use domain::money::Amount;
use domain::payment_intent::PaymentIntent;
use domain::payment_method::PaymentMethod;
use domain::refund::Refund;
use domain::resource;
use store::scheduled_tasks::{self, Kind, Task};
use store::{DatabaseError, Statement, attempts, charges, customers, payment_intents, refunds};

use crate::cards;
use crate::context::first;
use crate::{Context, Failure, Platform};

pub use authorize::{receipt_url, start as start_authorization};

/// How many seconds pass before an attempt that nobody recorded is looked at.
pub const RECOVERY_DELAY: i64 = 60;

/// How often a recording is applied anew because something else about the intent changed meanwhile.
///
/// Refunds of one charge that begin at the same time are what makes it change most.
const MAX_RECORDINGS: usize = 16;

/// An attempt and the objects that it is about.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is the object of the same name")]
pub struct Held {
    pub attempt: Attempt,
    pub payment_intent: Option<PaymentIntent>,
    pub charge: Option<Charge>,
    pub refund: Option<Refund>,
    pub payment_method: Option<PaymentMethod>,
}

/// The statements that write a new attempt and plan its recovery.
pub fn write_attempt<P: Platform>(context: &Context<'_, P>, attempt: &Attempt) -> Vec<Statement> {
    vec![attempts::insert(&context.scope, attempt), plan_recovery(context, attempt)]
}

/// Plans that somebody looks at an attempt which nobody recorded by then.
pub fn plan_recovery<P: Platform>(context: &Context<'_, P>, attempt: &Attempt) -> Statement {
    scheduled_tasks::insert(&Task {
        due_at: context.now.plus(RECOVERY_DELAY),
        kind: Kind::RecoverAttempt,
        subject: attempt.id.as_str().to_owned(),
        scope: context.scope.clone(),
        tries: 0,
    })
}

/// Finds an attempt with all that it is about.
///
/// # Errors
/// When the database does not answer, or holds what it cannot hold.
pub async fn load<P: Platform>(
    context: &Context<'_, P>,
    id: &AttemptId,
) -> Result<Option<Held>, Failure> {
    let attempt: Option<Attempt> = context.find(attempts::find(&context.scope, id)).await?;
    match attempt {
        Some(attempt) => load_around(context, attempt).await.map(Some),
        None => Ok(None),
    }
}

/// Runs an operation whose attempt its request names. What an earlier run of the request began is
/// brought to its end instead, also where that run was only slow and comes to light when this one is
/// refused: the client must not be told that what it asked for failed.
///
/// # Errors
/// As the operation.
pub async fn once<P: Platform>(
    context: &Context<'_, P>,
    run: impl AsyncFnOnce() -> Result<Held, Failure>,
) -> Result<Held, Failure> {
    if context.resumes
        && let Some(held) = begun_before(context).await?
    {
        return settle(context, held).await;
    }
    let refusal = match run().await {
        Err(Failure::Api(refusal)) if context.resumes => Failure::Api(refusal),
        // The rows are there: an earlier try of this request committed, and its answer was lost.
        Err(Failure::Database(DatabaseError::Exists(problem))) => {
            Failure::Database(DatabaseError::Exists(problem))
        }
        done => return done,
    };
    match begun_before(context).await? {
        Some(held) => settle(context, held).await,
        None => Err(refusal),
    }
}

async fn begun_before<P: Platform>(context: &Context<'_, P>) -> Result<Option<Held>, Failure> {
    load(context, &context.ids.derive("attempt")).await
}

async fn load_around<P: Platform>(
    context: &Context<'_, P>,
    attempt: Attempt,
) -> Result<Held, Failure> {
    let scope = &context.scope;
    let id_or_none = |id: Option<&str>| id.unwrap_or_default().to_owned();
    let (method, charge) = match &attempt.request {
        Request::Authorize(authorize) => {
            (Some(authorize.payment_method.as_str()), Some(authorize.charge.as_str()))
        }
        _ => (None, attempt.charge.as_ref().map(|id| id.as_str())),
    };
    let refund = match &attempt.request {
        Request::Refund { refund } => Some(refund.as_str()),
        _ => None,
    };
    let intent = attempt.payment_intent.as_ref().map(|id| id.as_str());
    let results = context
        .batch(vec![
            attempts::find(scope, &attempt.id),
            payment_intents::find(scope, &id_or_none(intent)),
            charges::find(scope, &id_or_none(charge)),
            refunds::find(scope, &id_or_none(refund)),
            store::payment_methods::find(scope, &id_or_none(method)),
        ])
        .await?;
    Ok(Held {
        attempt: first(&results, 0)?.unwrap_or(attempt),
        payment_intent: first(&results, 1)?,
        charge: first(&results, 2)?,
        refund: first(&results, 3)?,
        payment_method: first(&results, 4)?,
    })
}

/// Brings an attempt that an earlier run of this request began to its end.
///
/// # Errors
/// As [`settle`].
pub async fn finish<P: Platform>(
    context: &Context<'_, P>,
    id: &AttemptId,
) -> Result<Held, Failure> {
    match load(context, id).await? {
        Some(held) => settle(context, held).await,
        None => Err(Failure::Bug(format!("{id} was there and is gone"))),
    }
}

/// Brings an open attempt to its end: asks the processor and records what it says.
///
/// # Errors
/// When the database does not answer; the attempt then stays open for the next one who looks.
pub async fn settle<P: Platform>(context: &Context<'_, P>, held: Held) -> Result<Held, Failure> {
    if held.attempt.state != AttemptState::Started {
        return Ok(held);
    }
    let outcome = ask(context, &held)?;
    record(context, held, &outcome).await
}

/// Records what a processor said of an attempt, whoever learnt it.
async fn record<P: Platform>(
    context: &Context<'_, P>,
    mut held: Held,
    outcome: &Outcome,
) -> Result<Held, Failure> {
    for _ in 0..MAX_RECORDINGS {
        if held.attempt.state != AttemptState::Started {
            return Ok(held);
        }
        let mut after = held.clone();
        let statements = apply(context, &mut after, outcome)?;
        match context.batch(statements).await {
            Ok(_) => return Ok(after),
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
    let mut statements = attempts::advance(&held.attempt, AttemptState::Started).to_vec();
    statements.push(scheduled_tasks::delete(
        held.attempt.created.plus(RECOVERY_DELAY),
        Kind::RecoverAttempt,
        held.attempt.id.as_str(),
    ));
    statements.extend(changes);
    Ok(statements)
}

/// Asks the processor under the attempt's key.
fn ask<P: Platform>(context: &Context<'_, P>, held: &Held) -> Result<Outcome, Failure> {
    if context.scope.livemode {
        return Err(ApiError::LiveModeHasNoProcessor.into());
    }
    let attempt = &held.attempt;
    let key = attempt.id.as_str();
    let amount = attempt.amount;
    let charge = held.charge.as_ref();
    let payment = charge.and_then(|charge| charge.details.processor_reference.as_deref());
    let payment = payment.unwrap_or_default();
    let captured = charge.map_or(Amount::ZERO, |charge| charge.captured);
    Ok(simulator::act(&match &attempt.request {
        Request::Authorize(authorize) => {
            let method = held.method()?;
            let number = cards::open(context, &method.sealed_number)?;
            let command = authorize::command(held, authorize, method, &number);
            return Ok(simulator::act(&Command::Authorize(command)));
        }
        Request::Capture { is_final, .. } => {
            Command::Capture { key, payment, amount, captured, is_final: *is_final }
        }
        Request::Increment => Command::Increment { key, payment, amount },
        Request::Void { .. } => Command::Void { key, payment, amount, captured },
        Request::Refund { .. } => {
            let charge = held.charge()?;
            let later = charge.details.later.as_deref().and_then(connectors::Later::from_name);
            if charge.is_released_by_refund() {
                Command::Void { key, payment, amount, captured }
            } else {
                Command::Refund { key, payment, amount, later }
            }
        }
    }))
}

/// What the client is told of a settled operation on an intent, at once or at a retry.
///
/// # Errors
/// The decline, where there was one.
pub fn answer(held: Held) -> Result<PaymentIntent, Failure> {
    let decline = held.attempt.resolution.decline;
    let intent = held
        .payment_intent
        .ok_or_else(|| Failure::Bug("an attempt lost its payment intent".to_owned()))?;
    match decline {
        None => Ok(intent),
        Some(decline) => Err(ApiError::from(CardError {
            decline,
            is_decline: true,
            charge: held.attempt.resolution.failed_charge.map(|id| id.as_str().to_owned()),
            payment_intent: Some(resource::value(&resource::payment_intent::Resource::from(
                &intent,
            ))),
            payment_method: held
                .payment_method
                .as_ref()
                .map(|method| resource::value(&resource::payment_method::Resource::from(method))),
        })
        .into()),
    }
}

/// What the client is told of a settled operation on a charge without an intent, at once or at a
/// retry.
///
/// # Errors
/// The decline, where there was one.
pub fn answer_charge(held: Held) -> Result<Charge, Failure> {
    match held.attempt.resolution.decline {
        None => {
            held.charge.ok_or_else(|| Failure::Bug(format!("{} lost its charge", held.attempt.id)))
        }
        Some(decline) => Err(ApiError::from(CardError {
            decline,
            is_decline: true,
            charge: held.attempt.resolution.failed_charge.map(|id| id.as_str().to_owned()),
            payment_intent: None,
            payment_method: None,
        })
        .into()),
    }
}

impl Held {
    /// The payment method that an authorisation charges.
    fn method(&self) -> Result<&PaymentMethod, Failure> {
        self.payment_method
            .as_ref()
            .ok_or_else(|| Failure::Bug(format!("{} has no payment method", self.attempt.id)))
    }

    /// The charge that an operation is about.
    fn charge(&self) -> Result<&Charge, Failure> {
        self.charge
            .as_ref()
            .ok_or_else(|| Failure::Bug(format!("{} has no charge", self.attempt.id)))
    }
}

/// The reference that a processor gave with a plain yes.
fn reference_of(outcome: &Outcome) -> Result<String, Failure> {
    match outcome {
        Outcome::Done { reference } => Ok(reference.clone()),
        other => Err(Failure::Bug(format!("a processor answered with {other:?}"))),
    }
}
