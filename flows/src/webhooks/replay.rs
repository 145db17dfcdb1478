//! Replays: events are sent to an endpoint again. Each step looks at some events, and plans the deliveries of
//! those that are wanted in the batch that notes how far it has come, so that none is planned twice, wherever a
//! step dies.

use domain::ApiError;
use domain::timestamp::Timestamp;
use domain::webhook::replay::{Details, EventReplay, Status};
use domain::webhook::{self, WebhookEndpoint};
use store::event_replays::{self, Candidate, Planned};
use store::events::{self, Shown};
use store::fan_out::{self, Cursor};
use store::scheduled_tasks::{self, Kind, Task};
use store::{DatabaseError, Rows, Statement, webhook_endpoints};

use crate::context::first;
use crate::{Context, Failure, Platform};

/// How many events are read at a time.
const SLICE: i64 = 500;

/// How many slices one step reads where few of their events are wanted.
const SLICES: usize = 20;

/// How many deliveries one step plans before it ends.
const PLANNED: usize = 1_000;

/// How many seconds ahead deliveries are planned before a step ends.
const AHEAD: i64 = 10;

/// Asks for the events that a filter finds to be sent to an endpoint again, or only to be counted.
///
/// # Errors
/// When there is no such endpoint, or it takes nothing.
pub async fn create_replay<P: Platform>(
    context: &Context<'_, P>,
    endpoint: &str,
    details: Details,
) -> Result<EventReplay, Failure> {
    let endpoint = recipient(context, endpoint, details.dry_run).await?;
    let replay = new(context, &endpoint, Status::Pending, details);
    let (id, at) = (replay.id.as_str(), replay.created);
    let insert = event_replays::insert(&context.scope, &replay);
    match context.batch(vec![insert, plan_step(context, &replay, at)]).await {
        // An earlier run of this request may have made it.
        Ok(_) | Err(DatabaseError::Exists(_)) => {}
        Err(error) => return Err(error.into()),
    }
    // The first step is done at once, so that a short replay is complete when it is answered.
    self::replay(context, id).await?;
    context.batch(vec![scheduled_tasks::delete(at, Kind::ReplayEvents, id)]).await?;
    find_replay(context, id).await
}

/// Sends one event to an endpoint again, whatever became of it before. Says how it stands.
///
/// # Errors
/// When there is no such event or endpoint, or the endpoint takes nothing.
pub async fn resend<P: Platform>(
    context: &Context<'_, P>,
    event: &str,
    endpoint: &str,
) -> Result<Shown, Failure> {
    let sequence = handed_out(context, event).await?;
    let endpoint = recipient(context, endpoint, false).await?;
    let details = Details {
        event: Some(event.to_owned()),
        created_to: context.now.seconds(),
        max_per_second: 1,
        count: 1,
        ..Details::default()
    };
    let replay = new(context, &endpoint, Status::Succeeded, details);
    let planned = [Planned { event: sequence, at: context.now }];
    let mut batch = vec![event_replays::insert(&context.scope, &replay)];
    batch.extend(event_replays::plan(&endpoint, &planned, &replay, context.now));
    match context.batch(batch).await {
        Ok(_) | Err(DatabaseError::Exists(_)) => {}
        Err(error) => return Err(error.into()),
    }
    context.platform.wake_endpoint(endpoint.id.as_str()).await?;
    let found = context.find(events::find_shown(&context.scope, event)).await?;
    found.ok_or_else(|| missing("event", event, "id").into())
}

/// The sequence of an event that was handed out: what was not, the fan-out has yet to plan.
async fn handed_out<P: Platform>(context: &Context<'_, P>, event: &str) -> Result<i64, Failure> {
    for is_first in [true, false] {
        let read = vec![events::sequence(&context.scope, event), fan_out::cursor()];
        let results = context.batch(read).await?;
        let row = results.first().and_then(Rows::first);
        let sequence = row.ok_or_else(|| missing("event", event, "id"))?.integer("sequence")?;
        let cursor: Option<Cursor> = first(&results, 1)?;
        if cursor.is_some_and(|cursor| sequence <= cursor.event) {
            return Ok(sequence);
        }
        if is_first {
            super::fan_out(context.platform).await?;
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// The endpoint that events are to be sent to again, or only counted for.
async fn recipient<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
    is_dry: bool,
) -> Result<WebhookEndpoint, Failure> {
    let found: Option<WebhookEndpoint> =
        context.find(webhook_endpoints::find(&context.scope, id)).await?;
    let found = found.filter(|endpoint| endpoint.status != webhook::Status::Deleted);
    let endpoint = found.ok_or_else(|| missing("webhook endpoint", id, "webhook_endpoint"))?;
    if endpoint.status != webhook::Status::Enabled && !is_dry {
        let message = format!(
            "The webhook endpoint {id} is disabled. Enable it before events are sent to it."
        );
        return Err(ApiError::StateConflict { message }.into());
    }
    Ok(endpoint)
}

/// A new replay.
fn new<P: Platform>(
    context: &Context<'_, P>,
    endpoint: &WebhookEndpoint,
    status: Status,
    details: Details,
) -> EventReplay {
    EventReplay {
        id: context.ids.derive("event_replay"),
        livemode: context.scope.livemode,
        created: context.now,
        version: 1,
        endpoint: endpoint.id.clone(),
        status,
        details,
    }
}

/// Finds a replay that a request names in its path.
///
/// # Errors
/// When there is none.
pub async fn find_replay<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<EventReplay, Failure> {
    let found = context.find(event_replays::find(&context.scope, id)).await?;
    found.ok_or_else(|| missing("event replay", id, "id").into())
}

fn missing(kind: &'static str, id: &str, param: &str) -> ApiError {
    ApiError::NoSuchObject {
        kind,
        id: id.to_owned(),
        param: param.to_owned(),
        in_path: param == "id",
    }
}

/// Does the next step of a replay.
///
/// # Errors
/// When the database does not answer; the step is done again later.
pub async fn replay<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<(), Failure> {
    let found = context.find(event_replays::find(&context.scope, id)).await?;
    let Some(mut replay): Option<EventReplay> = found else { return Ok(()) };
    if replay.status != Status::Pending {
        return Ok(());
    }
    let is_dry = replay.details.dry_run;
    let to = replay.endpoint.as_str().to_owned();
    let found: Option<WebhookEndpoint> =
        context.find(webhook_endpoints::find(&context.scope, &to)).await?;
    let found = found.filter(|endpoint| is_dry || endpoint.status == webhook::Status::Enabled);
    let batch = match found {
        Some(endpoint) => step(context, &mut replay, &endpoint).await?,
        None => {
            replay.status = Status::Failed;
            event_replays::update(&mut replay).to_vec()
        }
    };
    match context.batch(batch).await {
        Ok(_) if !is_dry => Ok(context.platform.wake_endpoint(&to).await?),
        // Another runner did this step.
        Ok(_) | Err(DatabaseError::Guard(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Looks at some events; the batch that plans those that are wanted.
async fn step<P: Platform>(
    context: &Context<'_, P>,
    replay: &mut EventReplay,
    endpoint: &WebhookEndpoint,
) -> Result<Vec<Statement>, Failure> {
    let mut planned = Vec::new();
    for _ in 0..SLICES {
        let slice = event_replays::candidates(&context.scope, replay, SLICE);
        let results = context.batch(vec![slice]).await?;
        let rows = results.first().map(|rows| rows.0.as_slice()).unwrap_or_default();
        for row in rows {
            planned.extend(choose(context, replay, endpoint, &Candidate::try_from(row)?));
        }
        if i64::try_from(rows.len()).unwrap_or(SLICE) < SLICE {
            replay.status = Status::Succeeded;
            break;
        }
        let is_ahead = replay.details.plans_at > context.now.plus(AHEAD);
        if is_ahead || planned.len() >= PLANNED {
            break;
        }
    }
    let mut batch = event_replays::update(replay).to_vec();
    if !planned.is_empty() {
        batch.extend(event_replays::plan(endpoint, &planned, replay, context.now));
    }
    if replay.status == Status::Pending {
        // Not in the second of this step's own task, whose end would strike both off.
        let due_at = replay.details.plans_at.plus(-AHEAD).max(context.now.plus(1));
        batch.push(plan_step(context, replay, due_at));
    }
    Ok(batch)
}

/// Counts an event where it is wanted, and says when it is to be sent.
fn choose<P: Platform>(
    context: &Context<'_, P>,
    replay: &mut EventReplay,
    endpoint: &WebhookEndpoint,
    candidate: &Candidate,
) -> Option<Planned> {
    replay.details.after = Some((candidate.created, candidate.sequence));
    // A first attempt that is on its way arrives by itself.
    if candidate.is_first || !replay.wants(endpoint, &candidate.event_type, candidate.is_taken) {
        return None;
    }
    replay.details.count = replay.details.count.saturating_add(1);
    let is_dry = replay.details.dry_run;
    let place = (!is_dry).then(|| replay.take_place(context.now));
    place.map(|at| Planned { event: candidate.sequence, at })
}

/// The statement that plans the next step of a replay.
fn plan_step<P: Platform>(
    context: &Context<'_, P>,
    replay: &EventReplay,
    due_at: Timestamp,
) -> Statement {
    context.platform.wake(due_at);
    scheduled_tasks::insert(&Task {
        due_at,
        kind: Kind::ReplayEvents,
        subject: replay.id.as_str().to_owned(),
        scope: context.scope.clone(),
        tries: 0,
    })
}
