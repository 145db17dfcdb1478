//! Deleting a customer: nothing of them stays but their id, and nothing that they kept can be used.

use domain::ApiError;
use domain::customer::{Customer, Details};
use domain::event::Transition;
use store::{DatabaseError, Statement, customers, metadata_entries, payment_methods};

use super::{MAX_TRIES, find};
use crate::announce::{Subjects, events};
use crate::{Context, Failure, Platform};

/// Deletes a customer. Who was deleted before is deleted: a client whose answer was lost asks again,
/// without a key by which it could be told from anyone else.
///
/// # Errors
/// When there is no such customer.
pub async fn delete<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Customer, Failure> {
    for _ in 0..MAX_TRIES {
        let before = find(context, id).await?;
        if before.deleted {
            return Ok(before);
        }
        let (after, batch) = deletion(context, &before);
        match context.batch(batch).await {
            Ok(_) => return Ok(after),
            Err(DatabaseError::Guard(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

fn deletion<P: Platform>(
    context: &Context<'_, P>,
    before: &Customer,
) -> (Customer, Vec<Statement>) {
    let scope = &context.scope;
    let mut after =
        Customer { deleted: true, email: None, details: Details::default(), ..before.clone() };
    let mut batch = customers::update(&mut after).to_vec();
    batch.push(payment_methods::detach_all(scope, after.id.as_str()));
    batch.extend(metadata_entries::replace(
        scope,
        customers::owner(&after),
        &before.details.metadata,
        &after.details.metadata,
    ));
    let subjects = Subjects { customer: Some(before), ..Subjects::default() };
    batch.extend(events(context, Transition::CustomerDeleted, subjects, None));
    (after, batch)
}
