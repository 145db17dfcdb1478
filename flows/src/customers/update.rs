//! Updating a customer.

use domain::customer::Customer;
use domain::event::{EventType, Transition};
use domain::id::{Id, PaymentMethodId};
use domain::payment_method::PaymentMethod;
use domain::{ApiError, Patch};
use store::events::Event;
use store::{DatabaseError, Statement, customers, payment_methods, tokens};

use super::{Changes, MAX_TRIES, no_such_in_path, not_kept, write_changes};
use crate::announce::find_earlier;
use crate::context::first;
use crate::payment_methods::detach::let_go;
use crate::payment_methods::keep;
use crate::{Context, Failure, Platform};

/// The card that is to be a customer's default source.
#[derive(Clone, Debug)]
pub enum NewSource {
    /// The card behind a token; the old one is let go of.
    Token(String),
    /// One that they keep, by its id.
    Kept(String),
}

/// Updates a customer.
///
/// # Errors
/// When they were deleted, or something that the request names does not exist or is refused.
pub async fn update<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    changes: &Changes,
    source: Option<&NewSource>,
) -> Result<Customer, Failure> {
    for _ in 0..MAX_TRIES {
        let (before, is_done) = load(context, id).await?;
        if is_done {
            return Ok(before);
        }
        let mut after = before.clone();
        changes.clone().apply(&mut after)?;
        let mut batch =
            choose_default(context, &mut after, &changes.default_payment_method).await?;
        if let Some(source) = source {
            batch.extend(choose_source(context, &mut after, source).await?);
        }
        // What changes nothing is no news.
        if after == before {
            return Ok(before);
        }
        batch.extend(write_changes(context, &before, &mut after));
        match context.batch(batch).await {
            Ok(_) => return Ok(after),
            Err(DatabaseError::Guard(name)) if name == tokens::UNUSED_GUARD => {
                return spent(context, id, source).await;
            }
            Err(DatabaseError::Guard(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// The customer, and whether an earlier run of this request updated them.
async fn load<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<(Customer, bool), Failure> {
    let results = context
        .batch(vec![
            customers::find(&context.scope, id),
            find_earlier(context, Transition::CustomerUpdated, EventType::CustomerUpdated, id),
        ])
        .await?;
    let customer: Option<Customer> = first(&results, 0)?;
    let customer =
        customer.filter(|customer| !customer.deleted).ok_or_else(|| no_such_in_path(id))?;
    Ok((customer, first::<Event>(&results, 1)?.is_some()))
}

/// Whoever used a token up may have been an earlier run of this request.
async fn spent<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    source: Option<&NewSource>,
) -> Result<Customer, Failure> {
    match (load(context, id).await?, source) {
        ((customer, true), _) => Ok(customer),
        (_, Some(NewSource::Token(token))) => {
            Err(ApiError::TokenAlreadyUsed { token: token.clone() }.into())
        }
        _ => Err(Failure::Bug(format!("{id} used up a token that no request named"))),
    }
}

/// Sets the payment method of the customer's invoices, which has to be one that they keep.
async fn choose_default<P: Platform>(
    context: &Context<'_, P>,
    customer: &mut Customer,
    default: &Patch<String>,
) -> Result<Vec<Statement>, Failure> {
    let default = match default {
        Patch::Keep => return Ok(Vec::new()),
        Patch::Clear => {
            customer.details.default_payment_method = None;
            return Ok(Vec::new());
        }
        Patch::Set(id) => id,
    };
    let (id, guard) = kept(context, customer, default, not_kept).await?;
    customer.details.default_payment_method = Some(id);
    Ok(vec![guard])
}

/// A payment method that the customer keeps, and the guard that they still do.
async fn kept<P: Platform>(
    context: &Context<'_, P>,
    customer: &Customer,
    id: &str,
    no_such: impl Fn(&str) -> ApiError,
) -> Result<(PaymentMethodId, Statement), Failure> {
    let scope = &context.scope;
    let parsed = PaymentMethodId::parse(id).map_err(|_| no_such(id))?;
    let found: Option<PaymentMethod> = context.find(payment_methods::find(scope, id)).await?;
    if found.and_then(|method| method.customer).as_ref() != Some(&customer.id) {
        return Err(no_such(id).into());
    }
    Ok((parsed, payment_methods::must_be_kept(scope, id, customer.id.as_str())))
}

fn no_such_source(id: &str) -> ApiError {
    ApiError::NoSuchObject {
        kind: "source",
        id: id.to_owned(),
        param: "default_source".to_owned(),
        in_path: false,
    }
}

/// Sets the customer's default source.
async fn choose_source<P: Platform>(
    context: &Context<'_, P>,
    customer: &mut Customer,
    source: &NewSource,
) -> Result<Vec<Statement>, Failure> {
    match source {
        NewSource::Token(token) => replace_source(context, customer, token).await,
        NewSource::Kept(id) => {
            let (id, guard) = kept(context, customer, id, no_such_source).await?;
            customer.details.default_source = Some(id);
            Ok(vec![guard])
        }
    }
}

/// Keeps the card behind a token as the default source; the old one is let go of
/// (<https://docs.stripe.com/api/customers/update#update_customer-source>).
async fn replace_source<P: Platform>(
    context: &Context<'_, P>,
    customer: &mut Customer,
    token: &str,
) -> Result<Vec<Statement>, Failure> {
    let kept = keep::source(context, token, &customer.id).await?;
    let mut statements = kept.statements;
    if let Some(old) = customer.details.default_source.replace(kept.method.id) {
        if customer.details.default_payment_method.as_ref() == Some(&old) {
            customer.details.default_payment_method = None;
        }
        let found = context.find(payment_methods::find(&context.scope, old.as_str())).await?;
        let old: Option<PaymentMethod> = found;
        if let Some(old) = old.filter(|old| old.customer.as_ref() == Some(&customer.id)) {
            statements.extend(let_go(context, &old).1);
        }
    }
    Ok(statements)
}
