//! Incrementing an authorisation: the processor is asked to hold more.

use domain::ApiError;
use domain::attempt::Request;
use domain::charge::Charge;
use domain::metadata::MetadataUpdate;
use domain::money::Money;
use domain::payment_intent::{Operation, OrderUpdate, PaymentIntent};
use store::{DatabaseError, charges, payment_intents};

use super::{MAX_TRIES, no_such, refused, shown};
use crate::context::first;
use crate::operations::{self, Asking, Held};
use crate::{Context, Failure, Platform};

/// How an authorisation is raised.
#[derive(Clone, Debug)]
pub struct Increment {
    /// The new total, in minor units.
    pub amount: i64,
    /// The intent's new description.
    pub description: Option<String>,
    /// Changes to the merchant's own pairs.
    pub metadata: Option<MetadataUpdate>,
    /// What is paid for.
    pub order: OrderUpdate,
    /// What the cardholder reads.
    pub statement_descriptor: Option<String>,
}

/// Raises what an intent holds.
///
/// # Errors
/// When nothing is held, the intent did not ask for it, or the new total is not above the old.
pub async fn increment<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    increment: &Increment,
) -> Result<PaymentIntent, Failure> {
    operations::answer(
        operations::once(context, None, async || begin(context, id, increment).await).await?,
    )
}

async fn begin<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    increment: &Increment,
) -> Result<Held, Failure> {
    for _ in 0..MAX_TRIES {
        let results = context
            .batch(vec![
                payment_intents::find(&context.scope, id),
                charges::find_latest_of_intent(&context.scope, id),
            ])
            .await?;
        let intent: PaymentIntent = first(&results, 0)?.ok_or_else(|| no_such(id))?;
        if let Some(held) = start(context, intent, first(&results, 1)?, increment).await? {
            return operations::settle(context, held, Asking::first()).await;
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Holds the intent for a new attempt; nothing when it changed meanwhile.
async fn start<P: Platform>(
    context: &Context<'_, P>,
    mut intent: PaymentIntent,
    charge: Option<Charge>,
    increment: &Increment,
) -> Result<Option<Held>, Failure> {
    intent
        .check(Operation::Increment)
        .map_err(|error| refused(&intent, Operation::Increment, error))?;
    let charge = charge
        .ok_or_else(|| Failure::Bug(format!("{} holds money without a charge", intent.id)))?;
    if charge.details.capture_before.is_some_and(|end| end <= context.now) {
        let charge = charge.id.as_str().to_owned();
        return Err(ApiError::ChargeExpiredForCapture { charge }.into());
    }
    // What the card was asked for counts, not what the intent was told since.
    if !charge.details.incremental {
        return Err(ApiError::IntentUnexpectedState {
            message: "This PaymentIntent does not support incremental authorization. Create it \
                      with payment_method_options[card][request_incremental_authorization]=\
                      if_available."
                .to_owned(),
            intent: shown(&intent),
        }
        .into());
    }
    let amount = Money::to_charge(increment.amount, intent.amount.currency)?;
    if amount.amount <= intent.amount.amount {
        let amount = intent.amount.amount.minor_units();
        return Err(ApiError::IncrementNotGreater { amount }.into());
    }
    let attempt = operations::start(context, &charge, amount, Request::Increment);
    let before = intent.clone();
    if let Some(update) = &increment.metadata {
        intent.details.metadata = intent.details.metadata.updated(update)?;
    }
    increment.order.clone().apply(&mut intent.details);
    if let Some(description) = &increment.description {
        intent.details.description = Some(description.clone());
    }
    if let Some(descriptor) = &increment.statement_descriptor {
        intent.details.statement_descriptor = Some(descriptor.clone());
    }
    intent.hold(Operation::Increment, attempt.id.clone())?;
    let mut batch = payment_intents::update(&mut intent).to_vec();
    batch.extend(store::metadata_entries::replace(
        &context.scope,
        payment_intents::owner(&intent),
        &before.details.metadata,
        &intent.details.metadata,
    ));
    batch.extend(operations::write_attempt(context, &attempt));
    match context.batch(batch).await {
        Ok(_) => Ok(Some(Held {
            attempt,
            payment_intent: Some(intent),
            charge: Some(charge),
            refund: None,
            payment_method: None,
        })),
        Err(DatabaseError::Guard(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
