//! A cardholder's 3-D Secure challenge: shown, completed or failed, once.

use domain::attempt::{Attempt, AttemptState, ChallengeResult, Request};
use domain::id::AttemptId;
use domain::payment_intent::{Operation, PaymentIntent};
use store::{DatabaseError, Scope, attempts, payment_intents};

use crate::operations::{self, Held};
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
    let Some(mut held) = operations::load(context, id).await? else { return Ok(None) };
    if held.attempt.state == AttemptState::RequiresAction {
        held = match reopen(context, held, result).await? {
            Some(held) => held,
            None => return Ok(operations::load(context, id).await?.and_then(|h| h.payment_intent)),
        };
    }
    Ok(operations::settle(context, held).await?.payment_intent)
}

/// Holds the intent again for its attempt; nothing when somebody else was faster.
async fn reopen<P: Platform>(
    context: &Context<'_, P>,
    mut held: Held,
    result: ChallengeResult,
) -> Result<Option<Held>, Failure> {
    let Some(intent) = &mut held.payment_intent else { return Ok(None) };
    let waits_for_this = intent.details.action_attempt.as_ref() == Some(&held.attempt.id);
    if !waits_for_this || intent.hold(Operation::Confirm, held.attempt.id.clone()).is_err() {
        return Ok(None);
    }
    if let Request::Authorize(authorize) = &mut held.attempt.request {
        authorize.challenge = Some(result);
    }
    held.attempt.state = AttemptState::Started;
    let mut batch = attempts::advance(&held.attempt, AttemptState::RequiresAction).to_vec();
    batch.push(operations::plan_recovery(context, &held.attempt));
    batch.extend(payment_intents::update(intent));
    match context.batch(batch).await {
        Ok(_) => Ok(Some(held)),
        Err(DatabaseError::Guard(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
