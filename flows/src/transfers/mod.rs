//! Transfers: money goes from a merchant's balance to that of an account that is connected to it, and back.

mod create;
mod reverse;
mod update;

use domain::ApiError;
use domain::event::Transition;
use domain::resource::{self, value};
use domain::transfer::{Transfer, TransferReversal};
use store::{Statement, transfers};

use crate::announce::{Subjects, events, previous_attributes};
use crate::{Context, Failure, Platform};

pub use create::{Create, create};
pub use reverse::{Reverse, reverse};
pub use update::{Update, update, update_reversal};

/// How often a change is decided anew because what it rests on changed meanwhile.
const MAX_TRIES: usize = 10;

/// Finds a transfer that a request names in its path.
///
/// # Errors
/// When there is none.
pub async fn find<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Transfer, Failure> {
    let found = context.find(transfers::find(&context.scope, id)).await?;
    found.ok_or_else(|| no_such("transfer", id).into())
}

/// Finds a reversal that a request names in its path, with the transfer that it belongs to.
///
/// # Errors
/// When there is none.
pub async fn find_reversal<P: Platform>(
    context: &Context<'_, P>,
    transfer: &str,
    id: &str,
) -> Result<TransferReversal, Failure> {
    let found: Option<TransferReversal> =
        context.find(transfers::find_reversal(&context.scope, id)).await?;
    found
        .filter(|reversal| reversal.transfer.as_str() == transfer)
        .ok_or_else(|| no_such("transfer reversal", id).into())
}

fn no_such(kind: &'static str, id: &str) -> ApiError {
    ApiError::NoSuchObject { kind, id: id.to_owned(), param: "id".to_owned(), in_path: true }
}

/// The events that tell how a transfer changed.
fn announce<P: Platform>(
    context: &Context<'_, P>,
    transition: Transition,
    before: Option<&Transfer>,
    after: &Transfer,
) -> Vec<Statement> {
    let shown = |transfer: &Transfer| value(&resource::transfer::Resource::from(transfer));
    let previous = before.and_then(|before| previous_attributes(&shown(before), &shown(after)));
    let subjects = Subjects { transfer: Some(after), ..Subjects::default() };
    events(context, transition, subjects, previous)
}
