//! Operations at a processor, as sagas: an attempt is written, the processor is asked, its answer is
//! recorded.
//!
//! The first batch of an operation holds its intent and writes the attempt; [`settle()`] asks the
//! processor under the attempt's key and records what it says, guarded on the attempt. Whoever finds
//! the attempt open may settle it: the request itself, its retry after a crash, or recovery. Only
//! one of them can record, and the others see what it recorded.

mod ask;
mod authorize;
mod capture;
mod command;
mod decline;
mod failover;
mod hear;
mod increment;
mod keep_card;
mod method;
mod refund;
mod route;
mod settle;
mod undo;
mod void;

use connectors::{Declined, Fault, Outcome, simulator};
use domain::ApiError;
use domain::attempt::{Attempt, AttemptState, Refusal, Request, Resolution};
use domain::card::Decline;
use domain::charge::Charge;
use domain::error::CardError;
use domain::id::AttemptId;
use domain::money::Money;
use domain::payment_intent::PaymentIntent;
use domain::payment_method::PaymentMethod;
use domain::refund::Refund;
use domain::resource;
use domain::timestamp::Timestamp;
use store::alerts::{self, Trouble};
use store::scheduled_tasks::{self, Kind, Task};
use store::{DatabaseError, Statement, attempts, charges, payment_intents, refunds};

use crate::context::first;
use crate::platform::PlatformError;
use crate::{Context, Failure, Platform};

pub use ask::Asking;
pub(crate) use ask::{ask_again, opens};
pub use authorize::{receipt_url, start as start_authorization};
pub(crate) use hear::{
    Said, asked, attempt_made_elsewhere, hear_of_payment, hear_of_refund, refund_told,
};
pub use keep_card::keep_card;
pub(crate) use refund::{book_elsewhere, cancel_refund, refund_status};
pub(crate) use route::{Destination, choose, route};
pub use settle::settle;
use settle::told_otherwise;
pub(crate) use settle::{learnt, look_again, park};
pub(crate) use undo::{Left, plan_undo, undo};

/// How many seconds pass before an attempt that nobody recorded is looked at.
pub const RECOVERY_DELAY: i64 = 60;

/// The code of what was refused here, before the processor was asked.
const NOT_SENT: &str = "not_sent";

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

/// A new attempt to do something with the money of a charge, at the processor that it was made at.
pub fn start<P: Platform>(
    context: &Context<'_, P>,
    charge: &Charge,
    amount: Money,
    request: Request,
) -> Attempt {
    let processor = charge.details.processor.as_ref();
    let connector = processor.map_or(simulator::NAME, |made_at| made_at.connector.as_str());
    Attempt {
        id: context.ids.derive("attempt"),
        livemode: context.scope.livemode,
        state: AttemptState::Started,
        connector: connector.to_owned(),
        connector_account: processor.map(|made_at| made_at.account.clone()),
        processor_reference: None,
        payment_intent: charge.payment_intent.clone(),
        charge: Some(charge.id.clone()),
        amount,
        request,
        resolution: Resolution::default(),
        created: context.now,
        attention: None,
        resolved: None,
        token: None,
    }
}

/// Whether a payment can begin.
///
/// # Errors
/// In live mode, when no account at a processor is active; while the database keeps the room that it has left for the
/// payments that have begun.
pub fn check_may_begin<P: Platform>(context: &Context<'_, P>) -> Result<(), Failure> {
    if context.scope.livemode && context.routes.accounts.is_empty() {
        return Err(ApiError::LiveModeHasNoProcessor.into());
    }
    if context.platform.is_nearly_full() {
        let problem = "it is nearly full, and no payment begins".to_owned();
        return Err(PlatformError { part: "database", problem }.into());
    }
    Ok(())
}

/// The statements that write a new attempt and plan its recovery.
pub fn write_attempt<P: Platform>(context: &Context<'_, P>, attempt: &Attempt) -> [Statement; 2] {
    [attempts::insert(&context.scope, attempt), plan_recovery(context, attempt)]
}

/// Plans that somebody looks at an attempt which nobody recorded by then.
pub fn plan_recovery<P: Platform>(context: &Context<'_, P>, attempt: &Attempt) -> Statement {
    plan_recovery_from(context, attempt, context.now)
}

/// The same, for an attempt that begins then.
fn plan_recovery_from<P: Platform>(
    context: &Context<'_, P>,
    attempt: &Attempt,
    begins: Timestamp,
) -> Statement {
    scheduled_tasks::insert(&Task {
        due_at: begins.plus(RECOVERY_DELAY),
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
    cvc: Option<&str>,
    run: impl AsyncFnOnce() -> Result<Held, Failure>,
) -> Result<Held, Failure> {
    let again = Asking { is_first: false, cvc };
    if context.resumes
        && let Some(held) = begun_before(context).await?
    {
        return settle(context, held, again).await;
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
        Some(held) => settle(context, held, again).await,
        None => Err(refusal),
    }
}

/// What an earlier run of this request began: the last of its attempts, where it made several.
///
/// # Errors
/// When the database does not answer, or holds what it cannot hold.
pub async fn begun_before<P: Platform>(context: &Context<'_, P>) -> Result<Option<Held>, Failure> {
    let mut id: AttemptId = context.ids.derive("attempt");
    loop {
        let held = load(context, &id).await?;
        match held.as_ref().and_then(|held| held.attempt.resolution.next.clone()) {
            Some(next) => id = next,
            None => return Ok(held),
        }
    }
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
/// As [`settle()`].
pub async fn finish<P: Platform>(
    context: &Context<'_, P>,
    id: &AttemptId,
) -> Result<Held, Failure> {
    match load(context, id).await? {
        Some(held) => settle(context, held, Asking::default()).await,
        None => Err(Failure::Bug(format!("{id} was there and is gone"))),
    }
}

/// What the client is told of a settled operation on an intent, at once or at a retry.
///
/// # Errors
/// The decline, where there was one.
pub fn answer(held: Held) -> Result<PaymentIntent, Failure> {
    check_done(&held)?;
    held.payment_intent.ok_or_else(|| Failure::Bug("an attempt lost its payment intent".to_owned()))
}

/// What the client is told of a settled operation on a charge without an intent, at once or at a
/// retry.
///
/// # Errors
/// The decline, where there was one.
pub fn answer_charge(held: Held) -> Result<Charge, Failure> {
    check_done(&held)?;
    held.charge.ok_or_else(|| Failure::Bug(format!("{} lost its charge", held.attempt.id)))
}

/// Whether the client can be told that it is done, or on its way.
fn check_done(held: &Held) -> Result<(), Failure> {
    let Held { attempt, payment_intent, charge, .. } = held;
    if attempt.state == AttemptState::Started {
        return match &attempt.request {
            // The intent says so itself. A client that sent a security code can ask once more, and only it can.
            Request::Authorize(asked) if payment_intent.is_some() && !asked.with_cvc => Ok(()),
            Request::Authorize(_) if attempt.attention.is_some() && payment_intent.is_some() => {
                Ok(())
            }
            // Once a person has looked, the same request is told what it came to.
            _ if attempt.attention.is_some() => Err(ApiError::LockTimeout.into()),
            _ => Err(Failure::Platform(PlatformError {
                part: "processor",
                problem: format!("{} is open", attempt.id),
            })),
        };
    }
    if let Some(decline) = attempt.resolution.decline {
        return Err(declined(held, decline).into());
    }
    let Some(refusal) = &attempt.resolution.refusal else { return Ok(()) };
    let is_capture = matches!(attempt.request, Request::Capture { .. });
    Err(match charge.as_ref().filter(|charge| is_capture && charge.capturable().is_zero()) {
        Some(charge) => ApiError::ChargeExpiredForCapture { charge: charge.id.as_str().to_owned() },
        None => ApiError::StateConflict {
            message: refusal_told(refusal.code.as_deref(), refusal.message.as_deref()),
        },
    }
    .into())
}

fn declined(held: &Held, decline: Decline) -> ApiError {
    let intent = held.payment_intent.as_ref();
    let failed = held.attempt.resolution.failed_charge.as_ref();
    // A charge of its own shows neither.
    let method = held.payment_method.as_ref().filter(|_| intent.is_some());
    ApiError::from(CardError {
        decline,
        is_decline: true,
        charge: failed.map(|id| id.as_str().to_owned()),
        payment_intent: intent
            .map(|intent| resource::value(&resource::payment_intent::Resource::from(intent))),
        payment_method: method
            .map(|method| resource::value(&resource::payment_method::Resource::from(method))),
    })
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

/// The statements for an operation on a charge that the processor refused: everything stays as it was.
fn refused(held: &mut Held, outcome: &Outcome) -> Result<Vec<Statement>, Failure> {
    held.attempt.state = AttemptState::Failed;
    held.attempt.resolution = resolution(outcome)?;
    let id = held.attempt.id.clone();
    if let Some(intent) = &mut held.payment_intent {
        intent.unchanged(&id)?;
        return Ok(payment_intents::update(intent).to_vec());
    }
    let mut charge = held.charge()?.clone();
    charge.end_operation(&id);
    let statements = charges::update(&mut charge).to_vec();
    held.charge = Some(charge);
    Ok(statements)
}

/// What is kept of a no.
fn resolution(outcome: &Outcome) -> Result<Resolution, Failure> {
    let (decline, refusal) = match outcome {
        Outcome::Declined(Declined { decline, raw, .. }) => {
            let refusal = raw.as_ref().map(|raw| Refusal {
                code: raw.code.clone(),
                message: raw.message.clone(),
                advice_code: raw.advice_code.clone(),
                network_decline_code: raw.network_decline_code.clone(),
                network_advice_code: raw.network_advice_code.clone(),
            });
            return Ok(Resolution { decline: Some(*decline), refusal, ..Resolution::default() });
        }
        Outcome::Refused { code, message, .. } => (None, said(code, message)),
        Outcome::Throttled { .. } => (None, said("throttled", "It takes no requests just now.")),
        Outcome::Canceled { .. } => (None, said("canceled", "The payment was canceled there.")),
        // It is certain by now: what was sent never arrived.
        Outcome::NotFound => (None, said("not_found", "The processor never received it.")),
        other => return Err(Failure::Bug(format!("a processor answered with {other:?}"))),
    };
    Ok(Resolution { decline, refusal: Some(refusal), ..Resolution::default() })
}

/// Calls for a person where a processor refuses an account's secret for real money: nothing can be done there until it has
/// another.
fn call_for_secret(attempt: &Attempt, outcome: &Outcome, now: Timestamp) -> Option<Statement> {
    let (Outcome::Refused { fault: Fault::Credentials, message, .. }, Some(account), true) =
        (outcome, &attempt.connector_account, attempt.livemode)
    else {
        return None;
    };
    let trouble = Trouble {
        name: alerts::PROCESSOR_REFUSES.to_owned(),
        subject: account.as_str().to_owned(),
        problem: message.clone(),
    };
    Some(alerts::raise(&[trouble], now))
}

/// What is told of a refusal: whether the processor was asked at all.
fn refusal_told(code: Option<&str>, message: Option<&str>) -> String {
    let message = message.unwrap_or("it did not say why.");
    match code {
        Some(NOT_SENT) => format!("Nothing was sent to the payment processor: {message}"),
        _ => format!("The payment processor refused this: {message}"),
    }
}

fn said(code: &str, message: &str) -> Refusal {
    Refusal { code: Some(code.to_owned()), message: Some(message.to_owned()), ..Refusal::default() }
}
