//! Expiry: money that a charge without an intent held for too long is let go of.

use domain::ApiError;
use domain::attempt::Request;
use domain::charge::Charge;
use domain::money::Money;
use domain::payment_intent::CancellationReason;
use store::{DatabaseError, charges};

use crate::operations::{self, Asking, Held};
use crate::{Context, Failure, Platform};

/// Lets go of what a charge holds that no operation is open on.
///
/// # Errors
/// When one was begun meanwhile, or the database does not answer.
pub(crate) async fn expire<P: Platform>(
    context: &Context<'_, P>,
    mut charge: Charge,
) -> Result<Held, Failure> {
    let attempt = operations::start(
        context,
        &charge,
        Money { amount: charge.capturable(), currency: charge.amount.currency },
        Request::Void { reason: Some(CancellationReason::Expired) },
    );
    charge.details.pending_operation = Some(attempt.id.clone());
    let mut batch = charges::update(&mut charge).to_vec();
    batch.extend(operations::write_attempt(context, &attempt));
    match context.batch(batch).await {
        Ok(_) => {}
        Err(DatabaseError::Guard(_)) => return Err(ApiError::LockTimeout.into()),
        Err(error) => return Err(error.into()),
    }
    let held = Held {
        attempt,
        payment_intent: None,
        charge: Some(charge),
        refund: None,
        payment_method: None,
    };
    operations::settle(context, held, Asking::first()).await
}
