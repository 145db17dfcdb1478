//! A cardholder's 3-D Secure challenge: shown, completed or failed, once.

use connectors::Outcome;
use domain::ApiError;
use domain::attempt::{Attempt, AttemptState, ChallengeResult, Request};
use domain::id::{AttemptId, PaymentMethodId};
use domain::payment_intent::{ConfirmationMethod, Operation, PaymentIntent};
use store::{DatabaseError, Scope, Statement, attempts, payment_intents, payment_methods};

use super::MAX_TRIES;
use crate::operations::{self, Asking, Held, Said};
use crate::{Context, Failure, Platform};

/// A challenge as its cardholder finds it.
#[derive(Clone, Debug)]
pub struct Challenged {
    /// Whose payment it is.
    pub scope: Scope,
    /// The payment.
    pub payment_intent: PaymentIntent,
    /// Whether it still waits for the cardholder.
    pub is_open: bool,
    /// Whether it is a processor's own, from which the cardholder comes back.
    pub is_elsewhere: bool,
}

/// Finds the challenge behind a link. The attempt's id is the link's secret, so nothing else is
/// asked of the cardholder.
///
/// # Errors
/// When the database does not answer.
pub async fn find_challenge<P: Platform>(
    platform: &P,
    id: &AttemptId,
) -> Result<Option<Challenged>, Failure> {
    use store::Database as _;
    let results = platform.database().batch(vec![attempts::find_by_id(id)]).await?;
    let Some(row) = results.first().and_then(store::Rows::first) else { return Ok(None) };
    let scope = attempts::scope(row)?;
    let attempt = Attempt::try_from(row)?;
    let Some(intent) = &attempt.payment_intent else { return Ok(None) };
    let context = Context::unattended(platform, scope.clone());
    let intent: Option<PaymentIntent> =
        context.find(payment_intents::find(&scope, intent.as_str())).await?;
    Ok(intent.map(|payment_intent| Challenged {
        scope,
        payment_intent,
        is_open: attempt.state == AttemptState::RequiresAction,
        is_elsewhere: attempt.connector_account.is_some(),
    }))
}

/// Records what the cardholder did and brings the payment to its end. A second submission, or one
/// for a payment that ended otherwise, changes nothing.
///
/// # Errors
/// When the database does not answer; the link then works again.
pub async fn finish_challenge<P: Platform>(
    context: &Context<'_, P>,
    id: &AttemptId,
    result: ChallengeResult,
) -> Result<Option<PaymentIntent>, Failure> {
    for _ in 0..MAX_TRIES {
        let Some(held) = operations::load(context, id).await? else { return Ok(None) };
        if held.attempt.state != AttemptState::RequiresAction {
            // Another submission was faster, and may have died before it recorded what came of it.
            return Ok(operations::settle(context, held, Asking::default()).await?.payment_intent);
        }
        if !waits_for(&held) {
            return Ok(held.payment_intent);
        }
        // Another payment used the card up while this one waited: no cardholder can save it.
        let result = if is_taken(&held) { ChallengeResult::Failed } else { result };
        if let Some(held) = submit(context, held, result).await? {
            return Ok(operations::settle(context, held, Asking::default()).await?.payment_intent);
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Brings a challenge that was submitted to its end, where whoever submitted it could not, and says
/// how the payment stands.
///
/// # Errors
/// When the database does not answer.
pub async fn settle_challenge<P: Platform>(
    context: &Context<'_, P>,
    id: &AttemptId,
) -> Result<Option<PaymentIntent>, Failure> {
    match operations::load(context, id).await? {
        Some(held) => {
            Ok(operations::settle(context, held, Asking::default()).await?.payment_intent)
        }
        None => Ok(None),
    }
}

/// Asks a processor what became of its challenge, now that the cardholder may be back from it, and records
/// it. A challenge that is not over changes nothing, unless it is given up now: what its processor waits for is
/// then let go of.
///
/// # Errors
/// When the database does not answer.
pub async fn return_from_challenge<P: Platform>(
    context: &Context<'_, P>,
    id: &AttemptId,
    gives_up: bool,
) -> Result<Option<PaymentIntent>, Failure> {
    came_back(context, id, gives_up, &Said::Unclear).await
}

/// Records what a processor told unasked of its challenge; where that is not plain, it is asked.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn hear_of_challenge<P: Platform>(
    context: &Context<'_, P>,
    id: &AttemptId,
    said: Said,
) -> Result<(), Failure> {
    match said {
        Said::Nothing | Said::Plainly(Outcome::ChallengeRequired { .. }) => Ok(()),
        said => came_back(context, id, false, &said).await.map(drop),
    }
}

async fn came_back<P: Platform>(
    context: &Context<'_, P>,
    id: &AttemptId,
    gives_up: bool,
    said: &Said,
) -> Result<Option<PaymentIntent>, Failure> {
    for _ in 0..MAX_TRIES {
        let Some(mut held) = operations::load(context, id).await? else { return Ok(None) };
        if held.attempt.state != AttemptState::RequiresAction {
            let settled = operations::settle(context, held, Asking::default()).await?;
            return Ok(settled.payment_intent);
        }
        if !waits_for(&held) {
            return Ok(held.payment_intent);
        }
        let outcome = match said {
            Said::Plainly(outcome) => outcome.clone(),
            _ => operations::ask_again(context, &held).await?,
        };
        let outcome = match outcome {
            Outcome::ChallengeRequired { reference, .. } if gives_up => {
                Outcome::ChallengeRequired { reference, url: None }
            }
            Outcome::ChallengeRequired { .. }
            | Outcome::NotFound
            | Outcome::Unknown { .. }
            | Outcome::Throttled { .. }
            | Outcome::Refused { .. } => return Ok(held.payment_intent),
            outcome => outcome,
        };
        let mut batch = hold_again(context, &mut held, false)?;
        if let Some(intent) = &mut held.payment_intent {
            batch.extend(payment_intents::update(intent));
        }
        match context.batch(batch).await {
            Ok(_) => return Ok(operations::learnt(context, held, outcome).await?.payment_intent),
            Err(DatabaseError::Guard(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Whether the payment still waits for this challenge, and nobody holds it.
fn waits_for(held: &Held) -> bool {
    held.payment_intent.as_ref().is_some_and(|intent| {
        intent.details.action_attempt.as_ref() == Some(&held.attempt.id)
            && intent.check(Operation::Confirm).is_ok()
    })
}

/// Whether another payment has used the card up.
fn is_taken(held: &Held) -> bool {
    let used_by = held.payment_method.as_ref().and_then(|method| method.used_by.as_ref());
    used_by.is_some_and(|attempt| *attempt != held.attempt.id)
}

/// Writes down what the cardholder did; nothing when the payment changed meanwhile.
async fn submit<P: Platform>(
    context: &Context<'_, P>,
    mut held: Held,
    result: ChallengeResult,
) -> Result<Option<Held>, Failure> {
    let Some(intent) = &mut held.payment_intent else { return Ok(None) };
    let Request::Authorize(authorize) = &mut held.attempt.request else { return Ok(None) };
    authorize.challenge = Some(result);
    let method = authorize.payment_method.clone();
    let use_up = !authorize.saves_card && result == ChallengeResult::Completed;
    let for_the_server = intent.details.confirmation_method == ConfirmationMethod::Manual;
    let mut batch = if for_the_server && result == ChallengeResult::Completed {
        hand_back(context, &mut held, method)?
    } else {
        hold_again(context, &mut held, use_up)?
    };
    if let Some(intent) = &mut held.payment_intent {
        batch.extend(payment_intents::update(intent));
    }
    match context.batch(batch).await {
        Ok(_) => Ok(Some(held)),
        Err(DatabaseError::Guard(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Holds the intent again for its attempt, which the processor is asked for next.
fn hold_again<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
    use_up: bool,
) -> Result<Vec<Statement>, Failure> {
    if let Some(intent) = &mut held.payment_intent {
        intent.hold(Operation::Confirm, held.attempt.id.clone())?;
    }
    if let Request::Authorize(authorize) = &mut held.attempt.request {
        authorize.challenged_at = Some(context.now);
    }
    held.attempt.state = AttemptState::Started;
    let mut batch = attempts::advance(&held.attempt, AttemptState::RequiresAction).to_vec();
    batch.push(operations::plan_recovery(context, &held.attempt));
    if use_up {
        batch.extend(use_up_again(context, held));
    }
    Ok(batch)
}

/// Lets nobody else use the card, which anybody could while the cardholder was asked.
fn use_up_again<P: Platform>(context: &Context<'_, P>, held: &mut Held) -> Vec<Statement> {
    let (scope, attempt) = (&context.scope, &held.attempt.id);
    let Some(method) = &mut held.payment_method else { return Vec::new() };
    let id = method.id.as_str().to_owned();
    if !method.used_up && method.customer.is_none() {
        method.used_up = true;
        method.used_by = Some(attempt.clone());
        method.version = method.version.saturating_add(1);
    }
    vec![
        payment_methods::use_up(scope, &id, attempt),
        payment_methods::must_not_be_used(scope, &id, attempt),
    ]
}

/// Gives the intent back to the merchant's server, which confirms such intents itself
/// (<https://docs.stripe.com/payments/payment-intents/upgrade-to-handle-actions>). The next
/// confirmation makes an attempt of its own, with what the cardholder proved.
fn hand_back<P: Platform>(
    context: &Context<'_, P>,
    held: &mut Held,
    method: PaymentMethodId,
) -> Result<Vec<Statement>, Failure> {
    if let Some(intent) = &mut held.payment_intent {
        intent.action_completed(&held.attempt.id, method, context.now)?;
    }
    held.attempt.state = AttemptState::Canceled;
    Ok(attempts::advance(&held.attempt, AttemptState::RequiresAction).to_vec())
}
