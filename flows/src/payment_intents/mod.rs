//! Payment intents: created, changed, confirmed, captured, canceled.

mod cancel;
mod capture;
mod challenge;
mod changes;
mod confirm;
mod create;
mod increment;
mod update;

use domain::ApiError;
use domain::id::{AttemptId, CustomerId};
use domain::payment_intent::{Operation, PaymentIntent, Status, TransitionError};
use domain::resource;
use serde_json::Value;
use store::{
    DatabaseError, Statement, attempts, connector_accounts, customers, payment_intents,
    payment_methods, tokens,
};

use crate::operations;
use crate::payment_methods::{Choice, choose};
use crate::{Context, Failure, Platform};

pub use cancel::cancel;
pub(crate) use cancel::void;
pub use capture::{Capture, capture};
pub(crate) use challenge::hear_of_challenge;
pub use challenge::{
    Challenged, find_challenge, finish_challenge, return_from_challenge, settle_challenge,
};
pub use changes::{CardChanges, Changes};
pub use confirm::{Confirm, confirm};
pub use create::{Create, create};
pub use increment::{Increment, increment};
pub use update::update;

/// How often a change is decided anew because the intent changed while it was decided.
const MAX_TRIES: usize = 5;

/// Finds an intent that a request names in its path.
///
/// # Errors
/// When there is none.
pub async fn find<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<PaymentIntent, Failure> {
    context.find(payment_intents::find(&context.scope, id)).await?.ok_or_else(|| no_such(id).into())
}

fn no_such(id: &str) -> ApiError {
    ApiError::NoSuchObject {
        kind: "payment_intent",
        id: id.to_owned(),
        param: "intent".to_owned(),
        in_path: true,
    }
}

/// The intent as the API shows it, for an error that embeds it.
fn shown(intent: &PaymentIntent) -> Value {
    resource::value(&resource::payment_intent::Resource::from(intent))
}

/// Gives up the attempt whose challenge an intent waits for; what its processor holds for it is let go of. The
/// simulator holds nothing, which is found out when it is to be undone.
fn give_up<P: Platform>(context: &Context<'_, P>, attempt: &AttemptId) -> Vec<Statement> {
    let mut statements = attempts::cancel_action(attempt).to_vec();
    statements.push(operations::plan_undo(context, attempt.as_str(), context.now));
    statements
}

/// What a merchant is told where the intent's state does not allow an operation.
fn refused(intent: &PaymentIntent, operation: Operation, error: TransitionError) -> Failure {
    let TransitionError::NotAllowed { from, .. } = error else {
        return error.into();
    };
    let statuses: Vec<_> = operation.allowed_from().iter().copied().map(Status::name).collect();
    let statuses = statuses.join(", ");
    let status = from.name();
    let message = match operation {
        Operation::Confirm if from == Status::Succeeded => {
            "You cannot confirm this PaymentIntent because it has already succeeded after being \
             previously confirmed."
                .to_owned()
        }
        Operation::Confirm => format!(
            "You cannot confirm this PaymentIntent because it has a status of {status}. Only a \
             PaymentIntent with one of the following statuses may be confirmed: {statuses}."
        ),
        Operation::Cancel => format!(
            "You cannot cancel this PaymentIntent because it has a status of {status}. Only a \
             PaymentIntent with one of the following statuses may be canceled: {statuses}."
        ),
        Operation::Capture => format!(
            "This PaymentIntent could not be captured because it has a status of {status}. Only a \
             PaymentIntent with one of the following statuses may be captured: {statuses}."
        ),
        Operation::Increment => format!(
            "This PaymentIntent's amount could not be incremented because it has a status of \
             {status}. Only a PaymentIntent with one of the following statuses may be incremented: \
             {statuses}."
        ),
        Operation::Update => {
            format!("This PaymentIntent could not be updated because it has a status of {status}.")
        }
    };
    ApiError::IntentUnexpectedState { message, intent: shown(intent) }.into()
}

/// What a merchant is told where a guard of an intent's batch did not hold; nothing where the batch
/// is to be decided anew.
async fn explain_guard<P: Platform>(
    context: &Context<'_, P>,
    error: DatabaseError,
    customer: Option<&CustomerId>,
    payment_method: Option<&str>,
    choice: Option<&Choice>,
) -> Result<(), Failure> {
    match &error {
        DatabaseError::Guard(name) if name == tokens::UNUSED_GUARD => {
            let token = choice.and_then(Choice::token).unwrap_or_default().to_owned();
            Err(ApiError::TokenAlreadyUsed { token }.into())
        }
        DatabaseError::Guard(name) if name == customers::EXISTS_GUARD => {
            Err(no_such_customer(customer.map(CustomerId::as_str).unwrap_or_default()).into())
        }
        DatabaseError::Guard(name) if name == payment_methods::USABLE_GUARD => {
            let id = payment_method.unwrap_or_default();
            let statement = payment_methods::find(&context.scope, id);
            match context.find(statement).await? {
                Some(method) => Ok(choose::check_usable(&method, customer)?),
                None => Err(choose::no_such(id, "payment_method").into()),
            }
        }
        // The account at a processor that this isolate remembers takes no more payments.
        DatabaseError::Guard(name) if name == connector_accounts::ACTIVE_GUARD => {
            Err(ApiError::LockTimeout.into())
        }
        DatabaseError::Guard(_) => Ok(()),
        _ => Err(error.into()),
    }
}

/// The error for a customer that does not exist.
pub fn no_such_customer(id: &str) -> ApiError {
    ApiError::NoSuchObject {
        kind: "customer",
        id: id.to_owned(),
        param: "customer".to_owned(),
        in_path: false,
    }
}
