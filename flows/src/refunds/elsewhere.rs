//! Refunds that somebody else made at the processor, as in its own pages: shown and booked as ours are.

use domain::attempt::Request;
use domain::charge::Charge;
use domain::id::{AttemptId, Id, RefundId, base62, keyed_digest};
use domain::money::{Amount, Money};
use domain::refund::{Details, Refund, Status};
use store::DatabaseError;

use super::{booked_beside, told};
use crate::operations::{self, Held};
use crate::{Context, Failure, Platform};

/// What a processor says of a refund that nobody asked for here.
pub(crate) struct Elsewhere<'a> {
    /// What it was asked for under, where it says so: no attempt at its account is known by that.
    pub key: Option<&'a str>,
    /// Its own reference.
    pub reference: &'a str,
    /// How much goes back.
    pub amount: Money,
    /// How it stands.
    pub status: Status,
}

/// Keeps and books a refund that somebody else made of a charge. Says why that cannot be, as while a refund of ours
/// holds the money; nothing once it is done.
///
/// # Errors
/// When the database does not answer, or the charge changed meanwhile.
pub(crate) async fn made_elsewhere<P: Platform>(
    context: &Context<'_, P>,
    before: Charge,
    told: &Elsewhere<'_>,
) -> Result<Option<String>, Failure> {
    let Elsewhere { key, reference, amount, status } = *told;
    let mut charge = before.clone();
    let (given, code) = (amount.amount.minor_units(), amount.currency);
    let left = charge.captured.minus(charge.refunded).unwrap_or(Amount::ZERO).minor_units();
    let problem = || {
        format!(
            "{given} {code} went back, of {left} {} that could of {}.",
            before.amount.currency, before.id
        )
    };
    if amount.currency != charge.amount.currency
        || charge.details.pending_operation.is_some()
        || charge.gave_back(amount.amount).is_err()
    {
        return Ok(Some(problem()));
    }
    let (id, attempt) = ids(&charge, reference);
    // A request of ours that the database lost, as when it was restored, finds it by its key when it comes again.
    let attempt = key.and_then(|key| AttemptId::parse(key).ok()).unwrap_or(attempt);
    let mut refund = Refund {
        id,
        livemode: context.scope.livemode,
        created: context.now,
        version: 1,
        amount,
        status,
        charge: charge.id.clone(),
        payment_intent: charge.payment_intent.clone(),
        pending_operation: None,
        details: Details {
            processor_reference: Some(reference.to_owned()),
            fee_returned: charge.return_fee(),
            ..Details::default()
        },
    };
    let request = Request::Refund { refund: refund.id.clone() };
    let asked = operations::start(context, &charge, amount, request);
    let attempt = operations::attempt_made_elsewhere(asked, attempt, reference);
    if status != Status::Succeeded {
        refund.details.attempt = Some(attempt.id.clone());
    }
    let batch = operations::book_elsewhere(context, &before, charge, refund, &attempt)?;
    match context.change(batch).await {
        Ok(_) => Ok(None),
        Err(DatabaseError::Guard(_)) => Ok(Some(problem())),
        Err(error) => Err(error.into()),
    }
}

/// Keeps and books a refund that was given up here and turned up there, beside the one that failed. Says why that cannot be;
/// nothing once it is done.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn turned_up<P: Platform>(
    context: &Context<'_, P>,
    held: Held,
    reference: &str,
    status: Status,
) -> Result<Option<String>, Failure> {
    let (Some(charge), Some(refund)) = (held.charge, held.refund) else { return Ok(None) };
    if let Some(known) = booked_beside(context, &charge.id, &refund.id, reference).await? {
        told(context, known.id.as_str(), status, None).await?;
        return Ok(None);
    }
    let told = Elsewhere { key: None, reference, amount: held.attempt.amount, status };
    match made_elsewhere(context, charge, &told).await {
        // It was before.
        Err(Failure::Database(DatabaseError::Exists(_))) => Ok(None),
        done => done,
    }
}

/// A refund that is told of twice is one.
fn ids(charge: &Charge, reference: &str) -> (RefundId, AttemptId) {
    let name = |place: &[u8]| {
        let parts = [place, charge.id.as_str().as_bytes(), reference.as_bytes()];
        base62(&keyed_digest(b"made_elsewhere", &parts))
    };
    let refund = format!("{}{}", RefundId::PREFIX, name(b"refund"));
    let attempt = format!("{}{}", AttemptId::PREFIX, name(b"attempt"));
    (RefundId::from_checked(refund), AttemptId::from_checked(attempt))
}
