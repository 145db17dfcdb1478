//! Payment methods: made, kept by customers, let go of, and chosen for a payment.

mod attach;
pub mod choose;
mod create;
pub(crate) mod detach;
pub(crate) mod keep;
mod update;

use domain::ApiError;
use domain::payment_method::PaymentMethod;
use store::payment_methods;

use crate::{Context, Failure, Platform};

pub use attach::attach;
pub use choose::{CardSource, Choice, Chosen, NewCard, choose};
pub use create::create;
pub use detach::detach;
pub use update::{BillingChanges, Changes, update};

/// How often a change is decided anew because its objects changed while it was decided.
const MAX_TRIES: usize = 5;

/// Finds a payment method that a request names in its path.
///
/// # Errors
/// When there is none.
pub async fn find<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<PaymentMethod, Failure> {
    let found = context.find(payment_methods::find(&context.scope, id)).await?;
    found.ok_or_else(|| no_such_in_path(id).into())
}

/// The error for a path that names no payment method.
pub fn no_such_in_path(id: &str) -> ApiError {
    ApiError::NoSuchObject {
        kind: "PaymentMethod",
        id: id.to_owned(),
        param: "payment_method".to_owned(),
        in_path: true,
    }
}
