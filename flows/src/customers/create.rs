//! Creating a customer, with the card that they bring along.

use domain::customer::{Customer, Details};
use domain::event::Transition;
use domain::id::CustomerId;
use domain::{ApiError, Metadata, Patch};
use store::{DatabaseError, Statement, customers, metadata_entries, tokens};

use super::{Changes, MAX_TRIES, not_kept};
use crate::announce::{Subjects, events};
use crate::payment_methods::keep::{self, Kept};
use crate::{Context, Failure, Platform};

/// Someone who is to be charged.
pub struct Create {
    /// Everything that an update could change, too.
    pub changes: Changes,
    /// A payment method that they keep from the start.
    pub payment_method: Option<String>,
    /// A token whose card they keep from the start, as their default source.
    pub source: Option<String>,
}

/// Creates a customer.
///
/// # Errors
/// When a card's issuer refuses to let it be kept, or something that the request names does not exist.
pub async fn create<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
) -> Result<Customer, Failure> {
    if context.resumes
        && let Some(customer) = made_before(context).await?
    {
        return Ok(customer);
    }
    for _ in 0..MAX_TRIES {
        let (customer, kept) = decide(context, create).await?;
        match context.batch(creation(context, &customer, kept)).await {
            Ok(_) => return Ok(customer),
            // The row is there: an earlier run of this request committed, and its answer was lost.
            Err(DatabaseError::Exists(problem)) => {
                return made_before(context).await?.ok_or(Failure::Bug(problem));
            }
            Err(DatabaseError::Guard(name)) if name == tokens::UNUSED_GUARD => {
                // Whoever used the token up may have been an earlier run of this request.
                let token = create.source.clone().unwrap_or_default();
                return made_before(context)
                    .await?
                    .ok_or_else(|| ApiError::TokenAlreadyUsed { token }.into());
            }
            Err(DatabaseError::Guard(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// The customer, and what they keep from the start.
async fn decide<P: Platform>(
    context: &Context<'_, P>,
    create: &Create,
) -> Result<(Customer, Vec<Kept>), Failure> {
    let mut customer = new_customer(context);
    create.changes.clone().apply(&mut customer)?;
    let mut kept = Vec::new();
    if let Some(name) = &create.payment_method {
        let card = keep::named(context, name, &customer.id, "payment_method").await?;
        if create.changes.default_payment_method.as_set() == Some(name) {
            customer.details.default_payment_method = Some(card.method.id.clone());
        }
        kept.push(card);
    }
    // Nothing else can be theirs already.
    if let Patch::Set(name) = &create.changes.default_payment_method
        && customer.details.default_payment_method.is_none()
    {
        return Err(not_kept(name).into());
    }
    if let Some(token) = &create.source {
        let card = keep::source(context, token, &customer.id).await?;
        customer.details.default_source = Some(card.method.id.clone());
        kept.push(card);
    }
    Ok((customer, kept))
}

fn new_customer<P: Platform>(context: &Context<'_, P>) -> Customer {
    Customer {
        id: context.ids.derive("customer"),
        livemode: context.scope.livemode,
        created: context.now,
        version: 1,
        deleted: false,
        email: None,
        details: Details {
            invoice_prefix: invoice_prefix(&context.ids.secret("invoice_prefix")),
            next_invoice_sequence: 1,
            ..Details::default()
        },
    }
}

/// Eight hexadecimal digits from a secret of this request.
fn invoice_prefix(secret: &str) -> String {
    secret.bytes().take(8).map(|byte| format!("{:X}", byte % 16)).collect()
}

fn creation<P: Platform>(
    context: &Context<'_, P>,
    customer: &Customer,
    kept: Vec<Kept>,
) -> Vec<Statement> {
    let mut batch = vec![customers::insert(&context.scope, customer)];
    batch.extend(metadata_entries::replace(
        &context.scope,
        customers::owner(customer),
        &Metadata::default(),
        &customer.details.metadata,
    ));
    let subjects = Subjects { customer: Some(customer), ..Subjects::default() };
    batch.extend(events(context, Transition::CustomerCreated, subjects, None));
    batch.extend(kept.into_iter().flat_map(|kept| kept.statements));
    batch
}

/// What an earlier run of the same request made.
async fn made_before<P: Platform>(context: &Context<'_, P>) -> Result<Option<Customer>, Failure> {
    let id: CustomerId = context.ids.derive("customer");
    context.find(customers::find(&context.scope, id.as_str())).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invoice_prefix_can_begin_the_numbers_of_invoices() {
        let prefix = invoice_prefix("0aZ9bcdefgh");
        assert_eq!(prefix, "01A92345");
        assert!(domain::customer::is_invoice_prefix(&prefix));
    }
}
