//! Attaching: a customer keeps a payment method.

use domain::customer::Customer;
use domain::event::{EventType, Transition};
use domain::id::CustomerId;
use domain::payment_method::PaymentMethod;
use domain::{ApiError, id::Id};
use store::events::Event;
use store::{DatabaseError, customers, payment_methods};

use super::choose::built_in;
use super::create::made_before;
use super::keep::{self, Kept};
use super::{MAX_TRIES, no_such_in_path};
use crate::announce::find_earlier;
use crate::context::first;
use crate::payment_intents::no_such_customer;
use crate::{Context, Failure, Platform};

/// Makes a payment method a customer's; a built-in name becomes a new one.
///
/// # Errors
/// When the issuer refuses, another customer keeps it, or one of the two does not exist.
pub async fn attach<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    customer: &str,
) -> Result<PaymentMethod, Failure> {
    let customer = CustomerId::parse(customer).map_err(|_| no_such_customer(customer))?;
    keep::refuse_token(id, "payment_method")?;
    if context.resumes
        && let Some(method) = made_before(context).await?
    {
        return Ok(method);
    }
    if let Some(method) = built_in(context, id)? {
        let kept = keep::new(context, method, &customer)?;
        return match write(context, kept, &customer).await {
            Err(Failure::Database(DatabaseError::Exists(problem))) => {
                made_before(context).await?.ok_or(Failure::Bug(problem))
            }
            result => result?.ok_or_else(|| no_such_customer(customer.as_str()).into()),
        };
    }
    for _ in 0..MAX_TRIES {
        let kept = match decide(context, id, &customer).await? {
            Decision::Done(method) => return Ok(*method),
            Decision::Keep(kept) => *kept,
        };
        if let Some(method) = write(context, kept, &customer).await? {
            return Ok(method);
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// What is to be done with a payment method as it was read.
enum Decision {
    /// Nothing: this customer keeps it, or did when an earlier run of this request attached it.
    Done(Box<PaymentMethod>),
    /// It becomes the customer's.
    Keep(Box<Kept>),
}

async fn decide<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    customer: &CustomerId,
) -> Result<Decision, Failure> {
    let scope = &context.scope;
    let transition = Transition::PaymentMethodAttached;
    let results = context
        .batch(vec![
            payment_methods::find(scope, id),
            customers::find(scope, customer.as_str()),
            find_earlier(context, transition, EventType::PaymentMethodAttached, id),
        ])
        .await?;
    let method: PaymentMethod = first(&results, 0)?.ok_or_else(|| no_such_in_path(id))?;
    if first::<Event>(&results, 2)?.is_some() {
        return Ok(Decision::Done(Box::new(method)));
    }
    let found: Option<Customer> = first(&results, 1)?;
    if found.is_none_or(|customer| customer.deleted) {
        return Err(no_such_customer(customer.as_str()).into());
    }
    if method.customer.as_ref() == Some(customer) {
        return Ok(Decision::Done(Box::new(method)));
    }
    Ok(Decision::Keep(Box::new(keep::existing(context, method, customer)?)))
}

/// Writes it down; nothing when one of the two changed meanwhile.
async fn write<P: Platform>(
    context: &Context<'_, P>,
    kept: Kept,
    customer: &CustomerId,
) -> Result<Option<PaymentMethod>, Failure> {
    let mut batch = vec![customers::must_exist(&context.scope, customer.as_str())];
    batch.extend(kept.statements);
    match context.batch(batch).await {
        Ok(_) => Ok(Some(kept.method)),
        Err(DatabaseError::Guard(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
