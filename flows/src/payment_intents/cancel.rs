//! Canceling an intent: it ends, and what it held is let go of.

use domain::ApiError;
use domain::attempt::Request;
use domain::charge::Charge;
use domain::event::Transition;
use domain::id::AttemptId;
use domain::money::Money;
use domain::payment_intent::{CancellationReason, Operation, PaymentIntent, Status};
use store::{DatabaseError, charges, payment_intents};

use super::{MAX_TRIES, give_up, no_such, refused};
use crate::announce::{Subjects, events};
use crate::context::first;
use crate::operations::{self, Asking, Held};
use crate::{Context, Failure, Platform};

/// Cancels an intent.
///
/// # Errors
/// When its state does not allow it.
pub async fn cancel<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    reason: Option<CancellationReason>,
) -> Result<PaymentIntent, Failure> {
    if context.resumes {
        let attempt: AttemptId = context.ids.derive("attempt");
        if let Some(held) = operations::load(context, &attempt).await? {
            return operations::answer(operations::settle(context, held, Asking::default()).await?);
        }
    }
    for _ in 0..MAX_TRIES {
        let results = context
            .batch(vec![
                payment_intents::find(&context.scope, id),
                charges::find_latest_of_intent(&context.scope, id),
            ])
            .await?;
        let intent: PaymentIntent = first(&results, 0)?.ok_or_else(|| no_such(id))?;
        // A run of this request that died after its only batch has left the intent as it was to be.
        if context.resumes && intent.status() == Status::Canceled {
            return Ok(intent);
        }
        intent
            .check(Operation::Cancel)
            .map_err(|error| refused(&intent, Operation::Cancel, error))?;
        let done = match (intent.status(), first::<Charge>(&results, 1)?) {
            (Status::RequiresCapture, Some(charge)) => {
                let held = void(context, intent, charge, reason).await?;
                held.map(operations::answer).transpose()?
            }
            _ => end(context, intent, reason).await?,
        };
        if let Some(intent) = done {
            return Ok(intent);
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Ends an intent that holds nothing; nothing when it changed meanwhile.
async fn end<P: Platform>(
    context: &Context<'_, P>,
    mut intent: PaymentIntent,
    reason: Option<CancellationReason>,
) -> Result<Option<PaymentIntent>, Failure> {
    let mut batch = Vec::new();
    if let Some(given_up) = &intent.details.action_attempt {
        batch.extend(give_up(context, given_up));
    }
    intent.canceled(None, context.now, reason)?;
    batch.extend(payment_intents::update(&mut intent));
    let subjects = Subjects { payment_intent: Some(&intent), ..Subjects::default() };
    batch.extend(events(context, Transition::IntentCanceled, subjects, None));
    match context.batch(batch).await {
        Ok(_) => Ok(Some(intent)),
        Err(DatabaseError::Guard(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Lets go of what an intent holds, and ends it; nothing when it changed meanwhile.
pub(crate) async fn void<P: Platform>(
    context: &Context<'_, P>,
    mut intent: PaymentIntent,
    charge: Charge,
    reason: Option<CancellationReason>,
) -> Result<Option<Held>, Failure> {
    let attempt = operations::start(
        context,
        &charge,
        Money { amount: intent.capturable(), currency: intent.amount.currency },
        Request::Void { reason },
    );
    intent.hold(Operation::Cancel, attempt.id.clone())?;
    let mut batch = payment_intents::update(&mut intent).to_vec();
    batch.extend(operations::write_attempt(context, &attempt));
    match context.batch(batch).await {
        Ok(_) => {}
        Err(DatabaseError::Guard(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let held = Held {
        attempt,
        payment_intent: Some(intent),
        charge: Some(charge),
        refund: None,
        payment_method: None,
    };
    operations::settle(context, held, Asking::first()).await.map(Some)
}
