//! Capturing a charge: held money is taken, and what is not taken is let go of.

use domain::ApiError;
use domain::attempt::Request;
use domain::charge::{CaptureRefusal, Charge, Status};
use domain::id::{AttemptId, PaymentIntentId};
use domain::money::{Amount, Money};
use store::{DatabaseError, Rows, attempts, charges};

use super::{MAX_TRIES, find, no_such, refused};
use crate::context::first;
use crate::operations::{self, Asking, Held};
use crate::{Context, Failure, Platform, descriptors, payment_intents};

/// How held money is taken.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    /// How much, in minor units; all of it unless said.
    pub amount: Option<i64>,
    /// What the charge says of itself from then on.
    pub changes: CaptureChanges,
}

/// What a charge says of itself from its capture on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is Stripe's parameter of the same name")]
pub struct CaptureChanges {
    pub application_fee_amount: Option<i64>,
    pub receipt_email: Option<String>,
    pub statement_descriptor: Option<String>,
    pub statement_descriptor_suffix: Option<String>,
    pub transfer_group: Option<String>,
}

impl CaptureChanges {
    /// Whether anything is to change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Carries them out.
    ///
    /// # Errors
    /// When a descriptor is none, or the fee more than the charge.
    pub fn apply(&self, merchant: &str, charge: &mut Charge) -> Result<(), ApiError> {
        charge.amount.check_application_fee(self.application_fee_amount)?;
        let details = &mut charge.details;
        fn set<T: Clone>(field: &mut Option<T>, new: &Option<T>) {
            if let Some(new) = new {
                *field = Some(new.clone());
            }
        }
        set(&mut details.application_fee_amount, &self.application_fee_amount);
        set(&mut details.receipt_email, &self.receipt_email);
        set(&mut details.statement_descriptor, &self.statement_descriptor);
        set(&mut details.statement_descriptor_suffix, &self.statement_descriptor_suffix);
        set(&mut details.transfer_group, &self.transfer_group);
        if self.statement_descriptor.is_some() || self.statement_descriptor_suffix.is_some() {
            let descriptor = details.statement_descriptor.as_deref();
            let suffix = details.statement_descriptor_suffix.as_deref();
            descriptors::check("statement_descriptor", descriptor)?;
            descriptors::check("statement_descriptor_suffix", suffix)?;
            details.calculated_statement_descriptor =
                descriptors::calculated(merchant, descriptor, suffix);
        }
        Ok(())
    }
}

/// Captures a charge; one that belongs to an intent is captured by its intent, so that both agree.
///
/// # Errors
/// When nothing is held, or less than is asked for.
pub async fn capture<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    capture: &Capture,
) -> Result<Charge, Failure> {
    let attempt: AttemptId = context.ids.derive("attempt");
    for _ in 0..MAX_TRIES {
        // Both are read at one moment: either an earlier run of this request has started, or the
        // charge is as no run of it has left it.
        let batch =
            vec![attempts::find(&context.scope, &attempt), charges::find(&context.scope, id)];
        let results = context.batch(batch).await?;
        if results.first().and_then(Rows::first).is_some() {
            return operations::answer_charge(operations::finish(context, &attempt).await?);
        }
        let charge: Charge = first(&results, 1)?.ok_or_else(|| no_such(id))?;
        if let Some(intent) = &charge.payment_intent {
            return capture_by_intent(context, intent, &charge, capture).await;
        }
        if let Some(held) = start(context, charge, capture).await? {
            return operations::answer_charge(
                operations::settle(context, held, Asking::first()).await?,
            );
        }
    }
    Err(ApiError::LockTimeout.into())
}

async fn capture_by_intent<P: Platform>(
    context: &Context<'_, P>,
    intent: &PaymentIntentId,
    charge: &Charge,
    capture: &Capture,
) -> Result<Charge, Failure> {
    // The intent may hold money by another, later charge.
    if charge.status != Status::Succeeded {
        return Err(refused(charge, CaptureRefusal::NotSucceeded).into());
    }
    let of_intent = payment_intents::Capture {
        amount: capture.amount,
        charge: capture.changes.clone(),
        ..payment_intents::Capture::default()
    };
    let Err(failure) = payment_intents::capture(context, intent.as_str(), &of_intent).await else {
        return find(context, charge.id.as_str()).await;
    };
    let Failure::Api(error) = failure else { return Err(failure) };
    // What the intent refuses is told in the words of the charge that the request named.
    Err(match *error {
        ApiError::CaptureTooLarge { capturable, currency, .. } => {
            ApiError::CaptureTooLarge { capturable, currency, param: "amount" }
        }
        ApiError::AmountNotMultiple { currency, .. } => {
            ApiError::AmountNotMultiple { currency, param: "amount" }
        }
        error @ ApiError::IntentUnexpectedState { .. } => {
            match charge.check_capture(None, context.now) {
                Err(refusal) => refused(charge, refusal),
                Ok(_) => error,
            }
        }
        error => error,
    }
    .into())
}

/// Holds the charge for a new attempt; nothing when it changed meanwhile.
async fn start<P: Platform>(
    context: &Context<'_, P>,
    mut charge: Charge,
    capture: &Capture,
) -> Result<Option<Held>, Failure> {
    let too_large = |charge: &Charge| ApiError::CaptureTooLarge {
        capturable: charge.capturable().minor_units(),
        currency: charge.amount.currency,
        param: "amount",
    };
    let wanted = capture.amount.map(Amount::new).transpose().map_err(|_| too_large(&charge))?;
    let amount =
        charge.check_capture(wanted, context.now).map_err(|refusal| refused(&charge, refusal))?;
    let attempt = operations::start(
        context,
        &charge,
        Money { amount, currency: charge.amount.currency },
        Request::Capture { is_final: true, terms: Box::new(context.terms.clone()) },
    );
    capture.changes.apply(&context.merchant_name, &mut charge)?;
    charge.details.pending_operation = Some(attempt.id.clone());
    let mut batch = charges::update(&mut charge).to_vec();
    batch.extend(operations::write_attempt(context, &attempt));
    match context.batch(batch).await {
        Ok(_) => Ok(Some(Held {
            attempt,
            payment_intent: None,
            charge: Some(charge),
            refund: None,
            payment_method: None,
        })),
        Err(DatabaseError::Guard(_) | DatabaseError::Exists(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
