//! The fan-out: plans a delivery of each new event for each endpoint that hears of it.

use std::collections::BTreeMap;

use domain::webhook::WebhookEndpoint;
use store::deliveries::{self, Planned};
use store::fan_out::{self, Cursor};
use store::{Database, DatabaseError, Inconsistent, Row, Rows, Scope, webhook_endpoints};

use super::Parcel;
use crate::context::first;
use crate::{Failure, Platform};

/// How many events one fan-out takes on; the rest follows at once.
const SLICE: i64 = 100;

/// How many deliveries one message stands for.
const PARCEL: usize = 10;

/// Plans the deliveries of the next events and puts them on their way. Says whether there are more
/// events. Where two run together, one of them does nothing.
///
/// # Errors
/// When the database does not answer.
pub async fn fan_out<P: Platform>(platform: &P) -> Result<bool, Failure> {
    let read = vec![fan_out::cursor(), fan_out::events(SLICE), fan_out::endpoints(SLICE)];
    let results = platform.database().batch(read).await?;
    let Some(cursor) = first::<Cursor>(&results, 0)? else {
        return Err(Failure::Bug("the fan-out has no cursor".to_owned()));
    };
    let events = rows(&results, 1);
    let Some(last) = events.last() else { return Ok(false) };
    let endpoints = Subscribed::of(rows(&results, 2))?;
    let mut planned = Vec::new();
    for event in events {
        planned.extend(endpoints.plan(platform, event)?);
    }
    let mut batch = fan_out::advance(cursor.event, last.integer("sequence")?).to_vec();
    if !planned.is_empty() {
        batch.push(deliveries::insert(&planned, platform.now()));
    }
    match platform.database().batch(batch).await {
        Ok(_) => {}
        Err(DatabaseError::Guard(_)) => return Ok(true),
        Err(error) => return Err(error.into()),
    }
    post(platform, &planned).await;
    Ok(i64::try_from(events.len()).unwrap_or(SLICE) >= SLICE)
}

fn rows(results: &[Rows], place: usize) -> &[Row] {
    results.get(place).map(|rows| rows.0.as_slice()).unwrap_or_default()
}

/// The endpoints of the accounts whose events are handed out.
struct Subscribed(Vec<(Scope, i64, WebhookEndpoint)>);

impl Subscribed {
    fn of(rows: &[Row]) -> Result<Self, Inconsistent> {
        let read = |row: &Row| {
            let scope = webhook_endpoints::scope(row)?;
            Ok((scope, row.integer("since_event")?, WebhookEndpoint::try_from(row)?))
        };
        rows.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// The deliveries of one event.
    fn plan<P: Platform>(&self, platform: &P, event: &Row) -> Result<Vec<Planned>, Inconsistent> {
        let scope = webhook_endpoints::scope(event)?;
        let (sequence, name) = (event.integer("sequence")?, event.text("type")?);
        let object = event.text("object")?;
        let hears = self.0.iter().filter(|(owner, since, endpoint)| {
            *owner == scope && *since < sequence && endpoint.hears_of(name)
        });
        Ok(hears
            .map(|(_, _, endpoint)| Planned {
                endpoint: endpoint.id.clone(),
                event: sequence,
                next_attempt_at: endpoint.is_alone.then(|| platform.now()),
                object: endpoint.details.is_ordered.then(|| object.to_owned()),
            })
            .collect())
    }
}

/// Puts deliveries on their way. What gets lost is found later, so that it costs time only.
async fn post<P: Platform>(platform: &P, planned: &[Planned]) {
    let mut shared: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    let mut alone: Vec<&str> = Vec::new();
    for delivery in planned {
        let endpoint = delivery.endpoint.as_str();
        match delivery.next_attempt_at {
            None => shared.entry(endpoint).or_default().push(delivery.event),
            Some(_) if !alone.contains(&endpoint) => alone.push(endpoint),
            Some(_) => {}
        }
    }
    let parcels: Vec<Parcel> = shared
        .into_iter()
        .flat_map(|(endpoint, events)| {
            let parcel =
                |events: &[i64]| Parcel { endpoint: endpoint.to_owned(), events: events.to_vec() };
            events.chunks(PARCEL).map(parcel).collect::<Vec<_>>()
        })
        .collect();
    if !parcels.is_empty()
        && let Err(error) = platform.enqueue(&parcels).await
    {
        platform.log_error("fan-out", &error.to_string());
    }
    for endpoint in alone {
        if let Err(error) = platform.wake_endpoint(endpoint).await {
            platform.log_error("fan-out", &error.to_string());
        }
    }
}
