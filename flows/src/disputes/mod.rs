//! Disputes: opened by the simulator's cards, answered or accepted by the merchant, decided by the
//! simulator's bank; or told of by a processor, where they are answered, too.
//!
//! A dispute and its charge change together, each over the version that was seen, so that no refund
//! and no chargeback can both take the same cent.

mod close;
mod open;
mod settle;
mod told;
mod update;

use connectors::simulator::disputes::acts_at;
use domain::ApiError;
use domain::charge::Charge;
use domain::dispute::{Dispute, Status};
use domain::event::{EventType, Transition};
use domain::resource::{self, Json, json, read};
use serde_json::Value;
use store::events::Event;
use store::scheduled_tasks::{self, Kind, Task};
use store::{Statement, charges, disputes};

use crate::announce::{Subjects, events, find_earlier, previous_attributes};
use crate::context::first;
use crate::{Context, Failure, Platform, ledger};

pub use close::close;
pub use open::{open, open_for, plan};
pub use settle::{plan_closing, settle};
pub(crate) use told::{Told, told};
pub use update::{Changes, update};

/// How often a change is decided anew because the dispute or its charge changed meanwhile.
const MAX_TRIES: usize = 10;

/// Finds a dispute that a request names in its path.
///
/// # Errors
/// When there is none.
pub async fn find<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Dispute, Failure> {
    context.find(disputes::find(&context.scope, id)).await?.ok_or_else(|| no_such(id).into())
}

/// The error for a dispute that does not exist.
pub fn no_such(id: &str) -> ApiError {
    ApiError::NoSuchObject {
        kind: "dispute",
        id: id.to_owned(),
        param: "dispute".to_owned(),
        in_path: true,
    }
}

/// Refuses to answer a dispute that is answered at its processor: nothing of an answer is passed on there.
fn must_be_answered_here(dispute: &Dispute) -> Result<(), ApiError> {
    match &dispute.details.processor_reference {
        None => Ok(()),
        Some(reference) => Err(ApiError::StateConflict {
            message: format!(
                "The dispute {} is kept at its payment processor, as {reference}. Answer or accept it \
                 there: this is not passed on.",
                dispute.id
            ),
        }),
    }
}

/// The dispute as merchants see it.
fn shown<P: Platform>(context: &Context<'_, P>, dispute: &Dispute) -> Json {
    json(&resource::dispute::Resource::new(dispute, context.now))
}

/// A dispute and its charge, with the event by which an earlier run of the same request told of what
/// it did.
struct Loaded {
    earlier: Option<Event>,
    pair: Option<(Dispute, Charge)>,
}

/// Reads all at one moment.
async fn load<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    transition: Transition,
    event: EventType,
) -> Result<Loaded, Failure> {
    let scope = &context.scope;
    let results = context
        .batch(vec![
            find_earlier(context, transition, event, id),
            disputes::find(scope, id),
            charges::find_of_dispute(scope, id),
        ])
        .await?;
    let pair = first(&results, 1)?.zip(first(&results, 2)?);
    Ok(Loaded { earlier: first(&results, 0)?, pair })
}

/// What the earlier run of a request was to answer: the object that its event carries. The bank may
/// have gone on meanwhile, but an answer is what it was.
fn answered(event: &Event) -> Result<Json, Failure> {
    serde_json::from_str::<Value>(&event.data)
        .ok()
        .and_then(|data| data.get("object").map(json))
        .ok_or_else(|| Failure::Bug(format!("{} carries no object", event.id)))
}

/// Moves a dispute on, with its charge, its money, and what the bank does next. The statements of one
/// batch, and the dispute as it is then.
fn moved<P: Platform>(
    context: &Context<'_, P>,
    before: &Dispute,
    mut after: Dispute,
    mut charge: Charge,
    next: Status,
) -> Result<(Vec<Statement>, Dispute), Failure> {
    if !before.status.may_become(next) {
        let (old, new) = (before.status.name(), next.name());
        return Err(Failure::Bug(format!("{} cannot go from {old} to {new}", before.id)));
    }
    after.status = next;
    let mut entries = Vec::new();
    match next {
        Status::NeedsResponse => {
            // Refunds may have given some of it back since the bank first asked. A processor says itself.
            if after.details.processor_reference.is_none() {
                after.amount.amount = charge.refundable();
                after.details.due_by = Dispute::due_by(context.now);
            }
            entries = ledger::disputed(context, &charge, &mut after)?;
        }
        Status::Won => entries = ledger::dispute_won(context, &charge, &mut after)?,
        Status::Lost => entries = ledger::dispute_lost(context, &charge, &after)?,
        _ => {}
    }
    after.details.acts_at = match after.details.processor_reference {
        None => acts_at(&after, context.now),
        Some(_) => None,
    };
    charge.follow(&after);
    // Whoever comes second is to meet their guards, and not the entries of the first.
    let mut batch = charges::update(&mut charge).to_vec();
    batch.extend(disputes::update(&mut after));
    batch.extend(entries);
    batch.extend(
        before
            .details
            .acts_at
            .map(|due_at| scheduled_tasks::delete(due_at, Kind::SettleDispute, before.id.as_str())),
    );
    batch.extend(plan_act(context, &after));
    batch.extend(announce(context, transition_to(next), before, &after));
    Ok((batch, after))
}

/// What merchants are told when a dispute comes to stand so.
fn transition_to(next: Status) -> Transition {
    match next {
        Status::WarningNeedsResponse | Status::WarningUnderReview | Status::UnderReview => {
            Transition::DisputeUpdated
        }
        Status::NeedsResponse => Transition::DisputeEscalated,
        Status::Won => Transition::DisputeWon,
        Status::Lost | Status::WarningClosed => Transition::DisputeClosed,
    }
}

/// Plans that the bank acts.
fn plan_act<P: Platform>(context: &Context<'_, P>, dispute: &Dispute) -> Option<Statement> {
    let due_at = dispute.details.acts_at?;
    context.platform.wake(due_at);
    Some(scheduled_tasks::insert(&Task {
        due_at,
        kind: Kind::SettleDispute,
        subject: dispute.id.as_str().to_owned(),
        scope: context.scope.clone(),
        tries: 0,
    }))
}

/// The events that tell how a dispute changed.
fn announce<P: Platform>(
    context: &Context<'_, P>,
    transition: Transition,
    before: &Dispute,
    after: &Dispute,
) -> Vec<Statement> {
    let previous =
        previous_attributes(&read(&shown(context, before)), &read(&shown(context, after)));
    let subjects = Subjects { dispute: Some(after), ..Subjects::default() };
    events(context, transition, subjects, previous)
}
