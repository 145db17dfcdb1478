//! Creating a payment method that nobody keeps yet.

use domain::ApiError;
use domain::payment_method::PaymentMethod;
use store::{DatabaseError, payment_methods, tokens};

use super::choose::{CardSource, NewCard, card_of, details, new_method};
use crate::{Context, Failure, Platform};

/// Creates a payment method.
///
/// # Errors
/// When the card is wrong, or its token was used before.
pub async fn create<P: Platform>(
    context: &Context<'_, P>,
    new: &NewCard,
) -> Result<PaymentMethod, Failure> {
    if context.resumes
        && let Some(method) = made_before(context).await?
    {
        return Ok(method);
    }
    let (sealed, holder, used_up) = card_of(context, new).await?;
    let method = new_method(context, "payment_method", sealed, details(holder, new));
    let mut batch = used_up;
    batch.push(payment_methods::insert(&context.scope, &method));
    match context.batch(batch).await {
        Ok(_) => Ok(method),
        // The row is there: an earlier run of this request committed, and its answer was lost.
        Err(DatabaseError::Exists(problem)) => {
            made_before(context).await?.ok_or(Failure::Bug(problem))
        }
        Err(DatabaseError::Guard(name)) if name == tokens::UNUSED_GUARD => {
            let CardSource::Token(token) = &new.source else { return Err(Failure::Bug(name)) };
            // Whoever used the token up may have been an earlier run of this request.
            let used = ApiError::TokenAlreadyUsed { token: token.clone() };
            made_before(context).await?.ok_or_else(|| used.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// What an earlier run of the same request made.
pub(super) async fn made_before<P: Platform>(
    context: &Context<'_, P>,
) -> Result<Option<PaymentMethod>, Failure> {
    let id: domain::id::PaymentMethodId = context.ids.derive("payment_method");
    context.find(payment_methods::find(&context.scope, id.as_str())).await
}
