//! The fan-out: plans a delivery of each new event for each endpoint that hears of it.

use std::collections::BTreeMap;

use domain::id::WebhookEndpointId;
use domain::timestamp::Timestamp;
use domain::webhook::WebhookEndpoint;
use store::deliveries::{self, Planned};
use store::fan_out::{self, Cursor};
use store::{Database, DatabaseError, Inconsistent, Row, Rows, Scope, webhook_endpoints};

use super::{Parcel, parcels};
use crate::context::first;
use crate::tasks::{Task, all};
use crate::{Failure, Platform};

/// How many events one fan-out takes on; the rest follows at once.
const SLICE: i64 = 100;

/// Among how many events it looks for them: most accounts may have no endpoint, and no event of theirs is announced.
const AMONG: i64 = 5_000;

/// Plans the deliveries of the next events and puts them on their way. Says whether there are more
/// events. Where two run together, one of them does nothing.
///
/// # Errors
/// When the database does not answer.
pub async fn fan_out<P: Platform>(platform: &P) -> Result<bool, Failure> {
    let read = vec![
        fan_out::cursor(),
        fan_out::events(SLICE, AMONG),
        fan_out::endpoints(SLICE, AMONG),
        fan_out::last(),
    ];
    let results = platform.database().batch(read).await?;
    let Some(cursor) = first::<Cursor>(&results, 0)? else {
        return Err(Failure::Bug("the fan-out has no cursor".to_owned()));
    };
    let events = rows(&results, 1);
    let last = rows(&results, 3).first().map(|row| row.optional_integer("last")).transpose()?;
    let Some(last) = last.flatten().filter(|last| *last > cursor.event) else { return Ok(false) };
    let through = match events.last() {
        Some(event) if is_full(events) => event.integer("sequence")?,
        _ => last.min(cursor.event.saturating_add(AMONG)),
    };
    let endpoints = Subscribed::of(platform, rows(&results, 2));
    let mut planned = Vec::new();
    for event in events {
        match endpoints.plan(platform, event) {
            Ok(deliveries) => planned.extend(deliveries),
            // Nobody can be told whose it is; what comes after it must not wait for that.
            Err(error) => platform.log_error("fan-out", &format!("{error}, in {event:?}")),
        }
    }
    let mut batch = fan_out::advance(cursor.event, through).to_vec();
    if !planned.is_empty() {
        batch.push(deliveries::insert(&planned, platform.now()));
    }
    match platform.database().batch(batch).await {
        Ok(_) => {}
        Err(DatabaseError::Guard(_)) => return Ok(true),
        Err(error) => return Err(error.into()),
    }
    post(platform, &planned).await;
    Ok(through < last)
}

fn is_full(events: &[Row]) -> bool {
    i64::try_from(events.len()).unwrap_or(SLICE) >= SLICE
}

fn rows(results: &[Rows], place: usize) -> &[Row] {
    results.get(place).map(|rows| rows.0.as_slice()).unwrap_or_default()
}

/// An endpoint of an account whose events are handed out.
struct Subscriber {
    scope: Scope,
    since_event: i64,
    id: WebhookEndpointId,
    /// What it hears of, where its row can be read.
    endpoint: Result<WebhookEndpoint, Inconsistent>,
}

impl TryFrom<&Row> for Subscriber {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            scope: webhook_endpoints::scope(row)?,
            since_event: row.integer("since_event")?,
            id: row.named("id")?,
            endpoint: WebhookEndpoint::try_from(row),
        })
    }
}

impl Subscriber {
    fn hears_of(&self, scope: &Scope, sequence: i64, name: &str) -> bool {
        // What cannot be read may want the event: its delivery fails, which can be seen and repaired.
        self.scope == *scope
            && self.since_event < sequence
            && self.endpoint.as_ref().map_or(true, |endpoint| endpoint.hears_of(name))
    }

    fn plan(&self, event: i64, object: &str, now: Timestamp) -> Planned {
        let (id, endpoint) = (self.id.clone(), self.endpoint.as_ref());
        Planned {
            endpoint: id,
            event,
            next_attempt_at: endpoint.is_ok_and(|endpoint| endpoint.is_alone).then_some(now),
            object: endpoint
                .is_ok_and(|endpoint| endpoint.details.is_ordered)
                .then(|| object.to_owned()),
            problem: endpoint.err().map(|error| format!("The endpoint cannot be read: {error}")),
        }
    }
}

/// The endpoints of the accounts whose events are handed out.
struct Subscribed(Vec<Subscriber>);

impl Subscribed {
    /// One row that cannot be read must not keep the others from hearing of anything.
    fn of<P: Platform>(platform: &P, rows: &[Row]) -> Self {
        let read = |row: &Row| {
            let subscriber = Subscriber::try_from(row);
            let problem = match &subscriber {
                Ok(subscriber) => subscriber.endpoint.as_ref().err(),
                Err(error) => Some(error),
            };
            if let Some(error) = problem {
                let id = row.text("id").unwrap_or_default();
                platform.log_error("fan-out", &format!("{error}, in the endpoint {id}"));
            }
            subscriber.ok()
        };
        Self(rows.iter().filter_map(read).collect())
    }

    /// The deliveries of one event.
    fn plan<P: Platform>(&self, platform: &P, event: &Row) -> Result<Vec<Planned>, Inconsistent> {
        let scope = webhook_endpoints::scope(event)?;
        let (sequence, name) = (event.integer("sequence")?, event.text("type")?);
        let object = event.text("object")?;
        let hears = self.0.iter().filter(|endpoint| endpoint.hears_of(&scope, sequence, name));
        Ok(hears.map(|endpoint| endpoint.plan(sequence, object, platform.now())).collect())
    }
}

/// Puts deliveries on their way. What gets lost is found later, so that it costs time only.
async fn post<P: Platform>(platform: &P, planned: &[Planned]) {
    let mut shared: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    let mut alone: Vec<&str> = Vec::new();
    for delivery in planned.iter().filter(|delivery| delivery.problem.is_none()) {
        let endpoint = delivery.endpoint.as_str();
        match delivery.next_attempt_at {
            None => shared.entry(endpoint).or_default().push(delivery.event),
            Some(_) if !alone.contains(&endpoint) => alone.push(endpoint),
            Some(_) => {}
        }
    }
    let parcels = in_turns(shared.into_iter().map(|(endpoint, events)| parcels(endpoint, &events)));
    if !parcels.is_empty()
        && let Err(error) = platform.enqueue(&parcels).await
    {
        platform.log_error("fan-out", &error.to_string());
    }
    // Together: an object that takes long to wake holds up no other.
    let mut waking: Vec<Task<'_>> = Vec::new();
    for endpoint in alone {
        waking.push(Box::pin(async move {
            if let Err(error) = platform.wake_endpoint(endpoint).await {
                platform.log_error("fan-out", &error.to_string());
            }
        }));
    }
    all(waking).await;
}

/// The first message of each endpoint, then the second of each, so that none waits for all of another's.
fn in_turns(parcels: impl Iterator<Item = Vec<Parcel>>) -> Vec<Parcel> {
    let mut queues: Vec<_> = parcels.map(Vec::into_iter).collect();
    let mut turns = Vec::new();
    loop {
        let count = turns.len();
        turns.extend(queues.iter_mut().filter_map(Iterator::next));
        if turns.len() == count {
            return turns;
        }
    }
}
