//! Recovery: what a crash, a timeout or a lost answer left open is brought to its end.

use domain::ApiError;
use domain::attempt::AttemptState;
use domain::charge::Charge;
use domain::id::{AttemptId, Id};
use domain::payment_intent::{CancellationReason, Status};
use store::charges;

use crate::operations;
use crate::{Context, Failure, Platform};

/// Brings an attempt that nobody recorded to its end, by asking the processor under its key.
///
/// # Errors
/// When the database or the processor does not answer; the attempt is looked at again later.
pub async fn recover_attempt<P: Platform>(
    context: &Context<'_, P>,
    subject: &str,
) -> Result<(), Failure> {
    let Ok(id) = AttemptId::parse(subject) else {
        return Err(Failure::Bug(format!("{subject} is no attempt")));
    };
    let Some(held) = operations::load(context, &id).await? else { return Ok(()) };
    if held.attempt.state == AttemptState::Started {
        operations::settle(context, held).await?;
    }
    Ok(())
}

/// Lets go of money that was held for too long without having been taken.
///
/// # Errors
/// When the database or the processor does not answer; it is tried again later.
pub async fn expire_authorization<P: Platform>(
    context: &Context<'_, P>,
    subject: &str,
) -> Result<(), Failure> {
    let Some(charge): Option<Charge> = context.find(charges::find(&context.scope, subject)).await?
    else {
        return Ok(());
    };
    if charge.capturable().is_zero() {
        return Ok(());
    }
    let Some(intent) = &charge.payment_intent else {
        return crate::charges::expire(context, charge).await;
    };
    let intent = crate::payment_intents::find(context, intent.as_str()).await?;
    if intent.status() != Status::RequiresCapture {
        return Ok(());
    }
    if intent.pending_operation.is_some() {
        return Err(ApiError::LockTimeout.into());
    }
    let expired = Some(CancellationReason::Expired);
    match crate::payment_intents::void(context, intent, charge, expired).await? {
        Some(_) => Ok(()),
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

/// Brings a refund that the simulator keeps on its way to its end.
///
/// # Errors
/// When the database does not answer; it is tried again later.
pub async fn settle_refund<P: Platform>(
    context: &Context<'_, P>,
    subject: &str,
) -> Result<(), Failure> {
    crate::refunds::settle(context, subject).await
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
