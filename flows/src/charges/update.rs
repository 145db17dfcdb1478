//! Updating a charge: what it says of itself changes, no money moves.

use domain::charge::Charge;
use domain::event::Transition;
use domain::id::CustomerId;
use domain::metadata::MetadataUpdate;
use domain::payment_intent::Shipping;
use domain::resource::{self, value};
use domain::{ApiError, Patch};
use store::{DatabaseError, Statement, charges, customers, metadata_entries};

use super::{MAX_TRIES, find};
use crate::announce::{Subjects, events, previous_attributes};
use crate::payment_intents::no_such_customer;
use crate::{Context, Failure, Platform, receipts};

/// What a request asks to change about a charge.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each is Stripe's parameter of the same name")]
pub struct Changes {
    pub customer: Option<CustomerId>,
    pub description: Patch<String>,
    pub metadata: Option<MetadataUpdate>,
    pub receipt_email: Patch<String>,
    pub shipping: Patch<Shipping>,
    pub transfer_group: Patch<String>,
    /// `fraud_details[user_report]`
    pub user_report: Patch<String>,
}

impl Changes {
    fn apply(&self, charge: &mut Charge) -> Result<(), ApiError> {
        if let Some(customer) = &self.customer {
            let kept = charge.customer.get_or_insert_with(|| customer.clone());
            if kept != customer {
                return Err(fixed("customer", "the customer of a charge that has one"));
            }
        }
        let details = &mut charge.details;
        if let Some(group) = &details.transfer_group
            && !self.transfer_group.is_keep()
            && self.transfer_group.as_set() != Some(group)
        {
            return Err(fixed("transfer_group", "the transfer_group of a charge that has one"));
        }
        if let Some(update) = &self.metadata {
            details.metadata = details.metadata.updated(update)?;
        }
        self.description.clone().apply_to(&mut details.description);
        if !self.receipt_email.is_keep() {
            // Also where it is the same: somebody saw to it that mail arrives there.
            details.receipt_failed = None;
        }
        self.receipt_email.clone().apply_to(&mut details.receipt_email);
        self.shipping.clone().apply_to(&mut details.shipping);
        self.transfer_group.clone().apply_to(&mut details.transfer_group);
        self.user_report.clone().apply_to(&mut details.fraud_details.user_report);
        Ok(())
    }
}

/// Some fields can be set once.
fn fixed(param: &str, what: &str) -> ApiError {
    ApiError::ParameterInvalid {
        param: param.to_owned(),
        message: format!("You cannot change {what}."),
    }
}

/// Updates a charge. An update that changes nothing is no change: nobody is told of it.
///
/// # Errors
/// When there is none, or a field cannot be changed.
pub async fn update<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    changes: &Changes,
) -> Result<Charge, Failure> {
    for _ in 0..MAX_TRIES {
        let before = find(context, id).await?;
        let mut after = before.clone();
        changes.apply(&mut after)?;
        if after == before {
            return Ok(after);
        }
        let batch = writing(context, &before, &mut after);
        match context.batch(batch).await {
            Ok(_) => return Ok(after),
            // The event is there: an earlier run of this request has made the change.
            Err(DatabaseError::Exists(_)) => return find(context, id).await,
            Err(DatabaseError::Guard(name)) if name == customers::EXISTS_GUARD => {
                let customer = after.customer.as_ref().map(CustomerId::as_str);
                return Err(no_such_customer(customer.unwrap_or_default()).into());
            }
            Err(DatabaseError::Guard(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

fn writing<P: Platform>(
    context: &Context<'_, P>,
    before: &Charge,
    after: &mut Charge,
) -> Vec<Statement> {
    let mut batch = charges::update(after).to_vec();
    if before.customer != after.customer
        && let Some(customer) = &after.customer
    {
        batch.push(customers::must_exist(&context.scope, customer.as_str()));
    }
    batch.extend(metadata_entries::replace(
        &context.scope,
        charges::owner(after),
        &before.details.metadata,
        &after.details.metadata,
    ));
    let shown = |charge: &Charge| value(&resource::charge::Resource::from(charge));
    let previous = previous_attributes(&shown(before), &shown(after));
    let subjects = Subjects { charge: Some(after), ..Subjects::default() };
    batch.extend(events(context, Transition::ChargeUpdated, subjects, previous));
    if before.receipt_wanted_by() != after.receipt_wanted_by() {
        batch.extend(receipts::mail(context, after));
    }
    batch
}
