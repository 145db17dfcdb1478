//! Updating a payment method that a customer keeps.

use domain::card::{Decline, Expiry};
use domain::event::{EventType, Transition};
use domain::metadata::MetadataUpdate;
use domain::payment_method::{Address, AllowRedisplay, BillingDetails, PaymentMethod};
use domain::resource::{payment_method::Resource, value};
use domain::{ApiError, Patch, Timestamp};
use store::events::Event;
use store::{DatabaseError, payment_methods};

use super::{MAX_TRIES, no_such_in_path};
use crate::announce::{Subjects, events, find_earlier, previous_attributes};
use crate::context::first;
use crate::{Context, Failure, Platform};

/// What a request asks to change about a payment method.
#[derive(Clone, Default)]
#[expect(missing_docs, reason = "each is Stripe's parameter of the same name")]
pub struct Changes {
    pub allow_redisplay: Option<AllowRedisplay>,
    pub billing_details: BillingChanges,
    pub exp_month: Option<i64>,
    pub exp_year: Option<i64>,
    pub metadata: Option<MetadataUpdate>,
}

/// What a request asks to change about whom the bill goes to; an address is replaced as a whole.
#[derive(Clone, Default)]
#[expect(missing_docs, reason = "each is Stripe's parameter of the same name")]
pub struct BillingChanges {
    pub address: Patch<Address>,
    pub email: Patch<String>,
    pub name: Patch<String>,
    pub phone: Patch<String>,
    pub tax_id: Patch<String>,
}

impl BillingChanges {
    fn apply(self, details: &mut BillingDetails) {
        self.address.apply_to(&mut details.address);
        self.email.apply_to(&mut details.email);
        self.name.apply_to(&mut details.name);
        self.phone.apply_to(&mut details.phone);
        self.tax_id.apply_to(&mut details.tax_id);
    }
}

impl Changes {
    fn apply(self, method: &mut PaymentMethod, now: Timestamp) -> Result<(), ApiError> {
        if self.exp_month.is_some() || self.exp_year.is_some() {
            let month = self.exp_month.unwrap_or_else(|| i64::from(method.card.exp_month));
            let year = self.exp_year.unwrap_or_else(|| i64::from(method.card.exp_year));
            let expiry = Expiry::parse(month, year, now).map_err(Decline::refuse)?;
            method.card.exp_month = expiry.month;
            method.card.exp_year = expiry.year;
        }
        let details = &mut method.details;
        if let Some(allow_redisplay) = self.allow_redisplay {
            details.allow_redisplay = allow_redisplay;
        }
        if let Some(update) = &self.metadata {
            details.metadata = details.metadata.updated(update)?;
        }
        self.billing_details.apply(&mut details.billing_details);
        Ok(())
    }
}

/// Updates a payment method.
///
/// # Errors
/// When no customer keeps it, or the new data is wrong.
pub async fn update<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    changes: &Changes,
) -> Result<PaymentMethod, Failure> {
    let transition = Transition::PaymentMethodUpdated;
    for _ in 0..MAX_TRIES {
        let results = context
            .batch(vec![
                payment_methods::find(&context.scope, id),
                find_earlier(context, transition, EventType::PaymentMethodUpdated, id),
            ])
            .await?;
        let before: PaymentMethod = first(&results, 0)?.ok_or_else(|| no_such_in_path(id))?;
        if first::<Event>(&results, 1)?.is_some() {
            return Ok(before);
        }
        if before.customer.is_none() {
            return Err(not_kept().into());
        }
        let mut after = before.clone();
        changes.clone().apply(&mut after, context.now)?;
        // What a processor remembers of it is as it was.
        if after.card != before.card
            || after.details.billing_details != before.details.billing_details
        {
            after.details.remembered.clear();
        }
        let previous =
            previous_attributes(&value(&Resource::from(&before)), &value(&Resource::from(&after)));
        // What changes nothing is no news.
        if previous.is_none() {
            return Ok(before);
        }
        let mut batch = payment_methods::update(&mut after).to_vec();
        let subjects = Subjects { payment_method: Some(&after), ..Subjects::default() };
        batch.extend(events(context, transition, subjects, previous));
        match context.batch(batch).await {
            Ok(_) => return Ok(after),
            Err(DatabaseError::Guard(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

fn not_kept() -> ApiError {
    ApiError::StateConflict {
        message: "You must save this PaymentMethod to a customer before you can update it."
            .to_owned(),
    }
}
