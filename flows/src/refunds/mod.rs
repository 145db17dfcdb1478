//! Refunds: money goes back to the card.

mod create;
mod elsewhere;
mod settle;
mod update;

use domain::ApiError;
use domain::event::Transition;
use domain::id::{ChargeId, RefundId};
use domain::refund::Refund;
use domain::resource::{self, value};
use store::{Rows, Statement, refunds};

use crate::announce::{Subjects, events, previous_attributes};
use crate::{Context, Failure, Platform};

pub use create::{Create, create};
pub(crate) use elsewhere::{Elsewhere, made_elsewhere, turned_up};
pub use settle::{cancel, settle};
pub(crate) use settle::{conclude, told};
pub use update::update;

/// Finds a refund that a request names in its path.
///
/// # Errors
/// When there is none.
pub async fn find<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Refund, Failure> {
    context.find(refunds::find(&context.scope, id)).await?.ok_or_else(|| no_such(id).into())
}

/// The refund of a charge that its processor knows by its own reference, or else one that is under way, which may be that.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn known_as<P: Platform>(
    context: &Context<'_, P>,
    charge: &ChargeId,
    reference: &str,
) -> Result<Option<Refund>, Failure> {
    let found = may_be(context, charge, reference).await?;
    let place = found.iter().position(|refund| is_known_as(refund, reference)).unwrap_or(0);
    Ok(found.into_iter().nth(place))
}

/// The refunds of the charge that its processor knows by this reference, and those that are under way, which may be that.
async fn may_be<P: Platform>(
    context: &Context<'_, P>,
    charge: &ChargeId,
    reference: &str,
) -> Result<Vec<Refund>, Failure> {
    let find = refunds::find_by_reference(&context.scope, charge.as_str(), reference);
    let found = context.batch(vec![find]).await?;
    let found = found.first().map(|Rows(rows)| rows.as_slice()).unwrap_or_default();
    Ok(found.iter().map(Refund::try_from).collect::<Result<_, _>>()?)
}

fn is_known_as(refund: &Refund, reference: &str) -> bool {
    refund.details.processor_reference.as_deref() == Some(reference)
}

/// Another refund of the charge that its processor knows by this reference: booked beside the one that was given up.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn beside<P: Platform>(
    context: &Context<'_, P>,
    charge: &ChargeId,
    refund: &RefundId,
    reference: &str,
) -> Result<Option<Refund>, Failure> {
    let found = may_be(context, charge, reference).await?;
    // The one that was given up may be known by it, too.
    Ok(found.into_iter().find(|known| known.id != *refund && is_known_as(known, reference)))
}

/// The error for a refund that does not exist.
pub fn no_such(id: &str) -> ApiError {
    ApiError::NoSuchObject {
        kind: "refund",
        id: id.to_owned(),
        param: "refund".to_owned(),
        in_path: true,
    }
}

/// The events that tell how a refund changed.
fn announce<P: Platform>(
    context: &Context<'_, P>,
    transition: Transition,
    before: &Refund,
    after: &Refund,
) -> Vec<Statement> {
    let shown = |refund: &Refund| value(&resource::refund::Resource::from(refund));
    let previous = previous_attributes(&shown(before), &shown(after));
    let subjects = Subjects { refund: Some(after), ..Subjects::default() };
    events(context, transition, subjects, previous)
}
