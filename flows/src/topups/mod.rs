//! Top-ups: the merchant's own bank adds money to the balance, once it has answered.

mod change;
mod create;

use domain::ApiError;
use domain::event::Transition;
use domain::resource::{self, value};
use domain::topup::Topup;
use store::{Statement, topups};

use crate::announce::{Subjects, events, previous_attributes};
use crate::{Context, Failure, Platform};

pub use change::{cancel, fail, settle, update};
pub use create::{Create, create};

/// How often a change is decided anew because the top-up changed meanwhile.
const MAX_TRIES: usize = 5;

/// Finds a top-up that a request names in its path.
///
/// # Errors
/// When there is none.
pub async fn find<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Topup, Failure> {
    context.find(topups::find(&context.scope, id)).await?.ok_or_else(|| no_such(id).into())
}

/// The error for a top-up that does not exist.
fn no_such(id: &str) -> ApiError {
    ApiError::NoSuchObject {
        kind: "topup",
        id: id.to_owned(),
        param: "topup".to_owned(),
        in_path: true,
    }
}

/// The events that tell how a top-up changed.
fn announce<P: Platform>(
    context: &Context<'_, P>,
    transition: Transition,
    before: Option<&Topup>,
    after: &Topup,
) -> Vec<Statement> {
    let shown = |topup: &Topup| value(&resource::topup::Resource::from(topup));
    let previous = before.and_then(|before| previous_attributes(&shown(before), &shown(after)));
    let subjects = Subjects { topup: Some(after), ..Subjects::default() };
    events(context, transition, subjects, previous)
}
