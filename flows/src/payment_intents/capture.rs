//! Capturing: held money is taken.

use domain::ApiError;
use domain::attempt::{Attempt, Request};
use domain::charge::Charge;
use domain::metadata::MetadataUpdate;
use domain::money::{Amount, Money};
use domain::payment_intent::{Operation, OrderUpdate, PaymentIntent, Requested};
use store::{DatabaseError, charges, payment_intents};

use super::{MAX_TRIES, no_such, refused};
use crate::charges::CaptureChanges;
use crate::context::first;
use crate::operations::{self, Asking, Held};
use crate::{Context, Failure, Platform};

/// How held money is taken.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    /// How much; all of it unless said.
    pub amount: Option<i64>,
    /// Whether this is the last part; what is left is then let go of.
    pub is_final: Option<bool>,
    /// Changes to the merchant's own pairs.
    pub metadata: Option<MetadataUpdate>,
    /// What is paid for.
    pub order: OrderUpdate,
    /// What the cardholder reads after the merchant's name.
    pub statement_descriptor_suffix: Option<String>,
    /// What the charge says of itself from then on.
    pub charge: CaptureChanges,
}

/// Captures an intent.
///
/// # Errors
/// When nothing is held, or less than is asked for.
pub async fn capture<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    capture: &Capture,
) -> Result<PaymentIntent, Failure> {
    operations::answer(
        operations::once(context, None, async || begin(context, id, capture).await).await?,
    )
}

async fn begin<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    capture: &Capture,
) -> Result<Held, Failure> {
    for _ in 0..MAX_TRIES {
        let results = context
            .batch(vec![
                payment_intents::find(&context.scope, id),
                charges::find_latest_of_intent(&context.scope, id),
            ])
            .await?;
        let intent: PaymentIntent = first(&results, 0)?.ok_or_else(|| no_such(id))?;
        if let Some(held) = start(context, intent, first(&results, 1)?, capture).await? {
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
    capture: &Capture,
) -> Result<Option<Held>, Failure> {
    intent
        .check(Operation::Capture)
        .map_err(|error| refused(&intent, Operation::Capture, error))?;
    let mut charge = charge
        .ok_or_else(|| Failure::Bug(format!("{} holds money without a charge", intent.id)))?;
    if charge.details.capture_before.is_some_and(|end| end <= context.now) {
        let charge = charge.id.as_str().to_owned();
        return Err(ApiError::ChargeExpiredForCapture { charge }.into());
    }
    let is_final = is_final(&intent, &charge, capture)?;
    let amount = amount_to_capture(&intent, capture, is_final)?;
    let attempt = new_attempt(context, &charge, amount, is_final);
    let before = intent.clone();
    if let Some(update) = &capture.metadata {
        intent.details.metadata = intent.details.metadata.updated(update)?;
    }
    capture.order.clone().apply(&mut intent.details);
    if let Some(fee) = capture.charge.application_fee_amount {
        intent.details.application_fee_amount = Some(fee);
    }
    if let Some(suffix) = &capture.statement_descriptor_suffix {
        intent.details.statement_descriptor_suffix = Some(suffix.clone());
    }
    intent.hold(Operation::Capture, attempt.id.clone())?;
    let mut batch = payment_intents::update(&mut intent).to_vec();
    if !capture.charge.is_empty() {
        capture.charge.apply(&context.merchant_name, &mut charge)?;
        batch.extend(charges::update(&mut charge));
    }
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

/// How much is taken: nothing where what several captures left is to be let go of
/// (<https://docs.stripe.com/payments/multicapture#release-uncaptured-funds>).
fn amount_to_capture(
    intent: &PaymentIntent,
    capture: &Capture,
    is_final: bool,
) -> Result<Money, ApiError> {
    let capturable = intent.capturable();
    let currency = intent.amount.currency;
    let Some(wanted) = capture.amount else {
        return Ok(Money { amount: capturable, currency });
    };
    let releases = wanted == 0 && is_final && !intent.received.is_zero();
    if wanted < 1 && !releases {
        return Err(ApiError::AmountNotPositive { param: "amount_to_capture".to_owned() });
    }
    match Amount::new(wanted) {
        Ok(amount) if amount < capturable && !currency.allows(amount) => {
            Err(ApiError::AmountNotMultiple { currency, param: "amount_to_capture" })
        }
        Ok(amount) if amount <= capturable => Ok(Money { amount, currency }),
        _ => Err(ApiError::CaptureTooLarge {
            capturable: capturable.minor_units(),
            currency,
            param: "amount_to_capture",
        }),
    }
}

/// Only an intent that asked for several captures, of a card that allows them, may be told that more
/// will follow.
fn is_final(intent: &PaymentIntent, charge: &Charge, capture: &Capture) -> Result<bool, ApiError> {
    let asked = intent.details.card_options.request_multicapture == Some(Requested::IfAvailable);
    let why = match capture.is_final {
        Some(false) if charge.details.multicapture => return Ok(false),
        Some(false) if asked => "the card does not support multicapture.",
        Some(false) => {
            "this PaymentIntent does not support multicapture. Create it with \
             payment_method_options[card][request_multicapture]=if_available."
        }
        _ => return Ok(true),
    };
    Err(ApiError::ParameterInvalid {
        param: "final_capture".to_owned(),
        message: format!("You cannot set final_capture to false because {why}"),
    })
}

fn new_attempt<P: Platform>(
    context: &Context<'_, P>,
    charge: &Charge,
    amount: Money,
    is_final: bool,
) -> Attempt {
    // Taking nothing of what several captures left lets go of it.
    let request = if amount.amount.is_zero() {
        Request::Void { reason: None }
    } else {
        Request::Capture { is_final, terms: Box::new(context.terms.clone()) }
    };
    operations::start(context, charge, amount, request)
}
