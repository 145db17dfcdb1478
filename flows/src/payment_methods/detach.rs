//! Detaching: a customer lets go of a payment method, which then cannot be used again.

use domain::ApiError;
use domain::customer::Customer;
use domain::event::{EventType, Transition};
use domain::payment_method::PaymentMethod;
use domain::resource::{payment_method::Resource, value};
use store::events::Event;
use store::{DatabaseError, Statement, customers, payment_methods};

use super::{MAX_TRIES, no_such_in_path};
use crate::announce::{Subjects, events, find_earlier, previous_attributes};
use crate::context::first;
use crate::customers::{forget, write_changes};
use crate::{Context, Failure, Platform};

/// Takes a payment method away from its customer.
///
/// # Errors
/// When nobody keeps it.
pub async fn detach<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<PaymentMethod, Failure> {
    let scope = &context.scope;
    let transition = Transition::PaymentMethodDetached;
    for _ in 0..MAX_TRIES {
        let results = context
            .batch(vec![
                payment_methods::find(scope, id),
                customers::find_keeper(scope, id),
                find_earlier(context, transition, EventType::PaymentMethodDetached, id),
            ])
            .await?;
        let before: PaymentMethod = first(&results, 0)?.ok_or_else(|| no_such_in_path(id))?;
        if first::<Event>(&results, 2)?.is_some() {
            return Ok(before);
        }
        if before.customer.is_none() {
            return Err(not_attached().into());
        }
        let (method, mut batch) = let_go(context, &before);
        if let Some(customer) = first::<Customer>(&results, 1)? {
            batch.extend(clear_defaults(context, &customer, &method));
        }
        match context.batch(batch).await {
            Ok(_) => return Ok(method),
            Err(DatabaseError::Guard(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

fn not_attached() -> ApiError {
    ApiError::StateConflict {
        message: "The payment method you provided is not attached to a customer so detachment is \
                  impossible."
            .to_owned(),
    }
}

/// The payment method without its customer, and the statements that make it so.
pub(crate) fn let_go<P: Platform>(
    context: &Context<'_, P>,
    before: &PaymentMethod,
) -> (PaymentMethod, Vec<Statement>) {
    let mut method = before.clone();
    method.customer = None;
    method.used_up = true;
    let mut statements = payment_methods::update(&mut method).to_vec();
    let subjects = Subjects { payment_method: Some(&method), ..Subjects::default() };
    let previous =
        previous_attributes(&value(&Resource::from(before)), &value(&Resource::from(&method)));
    statements.extend(events(context, Transition::PaymentMethodDetached, subjects, previous));
    (method, statements)
}

/// A customer's defaults must not name what they no longer keep. Where they name something else, the
/// batch still holds only if that is so when it runs.
fn clear_defaults<P: Platform>(
    context: &Context<'_, P>,
    customer: &Customer,
    method: &PaymentMethod,
) -> Vec<Statement> {
    match forget(customer, &method.id) {
        Some(mut changed) => write_changes(context, customer, &mut changed),
        None => vec![customers::must_be_unchanged(&context.scope, customer)],
    }
}
