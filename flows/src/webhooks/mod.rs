//! Webhooks: merchants' endpoints, and how each event reaches those that hear of it.
//!
//! An event is written with the change that it tells of. [`fan_out()`] plans a delivery for each endpoint
//! that hears of it, and puts the deliveries on their way through a queue; a [`Lot`] attempts them and records
//! what came of it. The rows are the truth: a message that is lost, late or doubled changes
//! nothing but time, and [`search()`] finds what was lost.

mod alone;
mod attempt;
mod create;
mod delete;
mod deliver;
mod fan_out;
mod look;
mod look_after;
mod replay;
mod round;
mod search;
mod secrets;
mod settings;
mod share;
mod update;

use domain::ApiError;
use domain::webhook::WebhookEndpoint;
use domain::webhook::target;
use domain::webhook::{Status, is_event_pattern};
use serde::{Deserialize, Serialize};
use store::webhook_endpoints;

use crate::{Context, Failure, Platform};

pub use alone::{MOST_ROUNDS, Next, deliver_alone};
pub(crate) use attempt::peace;
pub(crate) use attempt::refuse;
pub use create::{Create, create};
pub use delete::delete;
pub use deliver::Lot;
pub use fan_out::fan_out;
pub use look::{Query, find_delivery, list, undelivered};
pub use replay::{create_replay, find_replay, replay, resend};
pub use search::search;
pub use settings::{Settings, health, roll, set};
pub use update::{Update, update};

/// How often a change is decided anew because what it rests on changed meanwhile.
const MAX_TRIES: usize = 5;

/// Deliveries to one endpoint on their way through the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// The endpoint's id.
    pub endpoint: String,
    /// The events' sequences.
    pub events: Vec<i64>,
}

/// How many deliveries one message stands for.
const PARCEL: usize = 10;

/// The messages that stand for an endpoint's deliveries.
fn parcels(endpoint: &str, events: &[i64]) -> Vec<Parcel> {
    let parcel = |events: &[i64]| Parcel { endpoint: endpoint.to_owned(), events: events.to_vec() };
    events.chunks(PARCEL).map(parcel).collect()
}

/// Finds an endpoint that a request names in its path.
///
/// # Errors
/// When there is none, or it was deleted.
pub async fn find<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<WebhookEndpoint, Failure> {
    let found: Option<WebhookEndpoint> =
        context.find(webhook_endpoints::find(&context.scope, id)).await?;
    let found = found.filter(|endpoint| endpoint.status != Status::Deleted);
    found.ok_or_else(|| no_such(id).into())
}

/// The error for an endpoint that does not exist.
fn no_such(id: &str) -> ApiError {
    ApiError::NoSuchObject {
        kind: "webhook endpoint",
        id: id.to_owned(),
        param: "id".to_owned(),
        in_path: true,
    }
}

/// Checks what an endpoint is to hear of.
///
/// # Errors
/// When it is nothing, or what no event is.
pub fn check_events(events: &[String]) -> Result<(), ApiError> {
    check_types(events, "enabled_events")
}

/// Checks the types of events that a parameter names.
///
/// # Errors
/// When it names none, or what no event is.
pub fn check_types(events: &[String], param: &str) -> Result<(), ApiError> {
    let refusal = |message: String| ApiError::ParameterInvalid { param: param.to_owned(), message };
    if events.is_empty() {
        return Err(refusal(format!(
            "You must provide at least one event type in the {param} parameter."
        )));
    }
    match events.iter().find(|event| !is_event_pattern(event)) {
        Some(unknown) => Err(refusal(format!("Invalid event type: {unknown}"))),
        None => Ok(()),
    }
}

/// Checks where an endpoint's deliveries are to go.
fn check_url<P: Platform>(context: &Context<'_, P>, url: &str) -> Result<(), ApiError> {
    let allows_local = context.platform.is_development();
    match target::check(url, context.scope.livemode, allows_local) {
        Ok(_) => Ok(()),
        Err(target::Refusal::NotAUrl) => Err(ApiError::InvalidUrl { param: "url".to_owned() }),
        Err(refusal) => Err(ApiError::ParameterInvalid {
            param: "url".to_owned(),
            message: refusal.to_string(),
        }),
    }
}
