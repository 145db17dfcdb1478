//! Customers: made, changed, deleted, and what they keep.

mod changes;
mod create;
mod delete;
mod update;

use domain::ApiError;
use domain::customer::Customer;
use domain::event::Transition;
use domain::id::PaymentMethodId;
use domain::resource::{customer::Resource, value};
use store::{Statement, customers, metadata_entries};

use crate::announce::{Subjects, events, previous_attributes};
use crate::{Context, Failure, Platform};

pub use changes::Changes;
pub use create::{Create, create};
pub use delete::delete;
pub use update::{NewSource, update};

/// How often a change is decided anew because its objects changed while it was decided.
const MAX_TRIES: usize = 5;

/// The parameter that names the payment method of a customer's invoices.
const DEFAULT_PAYMENT_METHOD: &str = "invoice_settings[default_payment_method]";

/// Finds a customer that a request names in its path, also a deleted one.
///
/// # Errors
/// When there is none.
pub async fn find<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Customer, Failure> {
    let found = context.find(customers::find(&context.scope, id)).await?;
    found.ok_or_else(|| no_such_in_path(id).into())
}

/// The error for a path that names no customer, or a deleted one.
pub fn no_such_in_path(id: &str) -> ApiError {
    ApiError::NoSuchObject {
        kind: "customer",
        id: id.to_owned(),
        param: "id".to_owned(),
        in_path: true,
    }
}

/// The error for a default that the customer does not keep.
fn not_kept(payment_method: &str) -> ApiError {
    ApiError::PaymentMethodNotKept {
        payment_method: payment_method.to_owned(),
        param: DEFAULT_PAYMENT_METHOD.to_owned(),
    }
}

/// The customer without a payment method among its defaults; nothing where it is none of them.
pub(crate) fn forget(customer: &Customer, method: &PaymentMethodId) -> Option<Customer> {
    let mut changed = customer.clone();
    let details = &mut changed.details;
    for default in [&mut details.default_payment_method, &mut details.default_source] {
        if default.as_ref() == Some(method) {
            *default = None;
        }
    }
    (changed != *customer).then_some(changed)
}

/// The statements that write a changed customer, and the event that tells of it.
pub(crate) fn write_changes<P: Platform>(
    context: &Context<'_, P>,
    before: &Customer,
    after: &mut Customer,
) -> Vec<Statement> {
    let mut statements = customers::update(after).to_vec();
    statements.extend(metadata_entries::replace(
        &context.scope,
        customers::owner(after),
        &before.details.metadata,
        &after.details.metadata,
    ));
    let previous =
        previous_attributes(&value(&Resource::from(before)), &value(&Resource::from(&*after)));
    let subjects = Subjects { customer: Some(after), ..Subjects::default() };
    statements.extend(events(context, Transition::CustomerUpdated, subjects, previous));
    statements
}
