//! One round of attempts for an endpoint: made at the same time and recorded together, so that a crash in
//! between costs a second delivery and never loses one.

use domain::timestamp::Timestamp;
use domain::webhook::{Status, WebhookEndpoint, schedule};
use futures_util::future::join_all;
use store::deliveries::{self, Due, State};
use store::{Database, Inconsistent, Rows, Scope, Statement, webhook_endpoints};

use super::attempt::{Outcome, attempt};
use super::look_after::look_after;
use super::secrets;
use crate::{Failure, Platform};

/// An answer that takes longer than this, in milliseconds, is slow.
const SLOW: i64 = 2_000;

/// An endpoint, and whose it is.
pub(super) struct Recipient {
    pub scope: Scope,
    pub endpoint: WebhookEndpoint,
}

impl Recipient {
    /// Reads the row of an endpoint, where there is one.
    pub fn of(rows: Option<&Rows>) -> Found {
        let Some(row) = rows.and_then(Rows::first) else { return Ok(None) };
        let read = || {
            let endpoint = WebhookEndpoint::try_from(row)?;
            Ok(Self { scope: webhook_endpoints::scope(row)?, endpoint })
        };
        read().map(Some).map_err(|error: Inconsistent| Unreadable {
            livemode: row.flag("livemode").unwrap_or(true),
            problem: format!("The endpoint cannot be read: {error}"),
        })
    }

    /// Whether a consumer that others share may deliver to it.
    pub fn is_shared(&self) -> bool {
        let endpoint = &self.endpoint;
        endpoint.status == Status::Enabled && !endpoint.is_alone && !endpoint.is_particular()
    }

    /// How many deliveries it takes at the same time.
    pub fn concurrency(&self) -> usize {
        usize::try_from(self.endpoint.concurrency()).unwrap_or(1)
    }
}

/// An endpoint as it was found.
pub(super) type Found = Result<Option<Recipient>, Unreadable>;

/// An endpoint whose row cannot be read.
pub(super) struct Unreadable {
    livemode: bool,
    problem: String,
}

/// Has deliveries fail whose endpoint cannot be read, each like one that it had refused: they can be seen, and
/// arrive by themselves where the row is mended in time.
pub(super) async fn put_off<P: Platform>(
    platform: &P,
    endpoint: &str,
    unreadable: &Unreadable,
    due: &[Due],
) -> Result<(), Failure> {
    platform.log_error(endpoint, &unreadable.problem);
    let outcome = Outcome::ours(platform.now(), unreadable.problem.clone());
    let mut batch = Vec::new();
    for due in due {
        let state = state(platform, unreadable.livemode, due, &outcome);
        batch.extend(deliveries::record(endpoint, due.sequence, &outcome.attempt, state));
    }
    if !batch.is_empty() {
        platform.database().batch(batch).await?;
        platform.wake_endpoint(endpoint).await?;
    }
    Ok(())
}

/// Reads deliveries.
pub(super) fn due_of(rows: Option<&Rows>) -> Result<Vec<Due>, Failure> {
    let rows = rows.map(|rows| rows.0.as_slice()).unwrap_or_default();
    Ok(rows.iter().map(Due::try_from).collect::<Result<_, _>>()?)
}

/// Attempts deliveries at the same time and records what came of them. Finds how the endpoint stands then: its
/// owner may want no more, and it may have turned out to be slow or failing.
pub(super) async fn make<P: Platform>(
    platform: &P,
    recipient: &Recipient,
    due: &[Due],
) -> Result<Found, Failure> {
    let Recipient { scope, endpoint } = recipient;
    let secrets = secrets::live(platform, scope, endpoint);
    let attempts = due.iter().map(|due| attempt(platform, endpoint, &secrets, due));
    let outcomes = join_all(attempts).await;
    let mut batch = Vec::new();
    for (due, outcome) in due.iter().zip(&outcomes) {
        let state = state(platform, endpoint.livemode, due, outcome);
        batch.extend(deliveries::record(
            endpoint.id.as_str(),
            due.sequence,
            &outcome.attempt,
            state,
        ));
    }
    batch.extend(standing(endpoint, &outcomes, platform.now()));
    batch.push(webhook_endpoints::find_by_id(endpoint.id.as_str()));
    let results = platform.database().batch(batch).await?;
    if outcomes.iter().any(|outcome| !outcome.is_success) {
        look_after(platform, recipient, &outcomes).await?;
    }
    Ok(Recipient::of(results.last()))
}

fn is_slow(outcome: &Outcome) -> bool {
    outcome.attempt.milliseconds > SLOW
}

/// How a delivery stands after an attempt.
fn state<P: Platform>(platform: &P, livemode: bool, due: &Due, outcome: &Outcome) -> State {
    if outcome.is_success {
        return State::Succeeded;
    }
    let [random, ..] = platform.random();
    let next = schedule::next_attempt(
        due.attempts.saturating_add(1),
        due.planned,
        platform.now(),
        livemode,
        outcome.retry_after,
        random,
    );
    match next {
        Some(at) if !outcome.is_gone => State::Pending(at),
        _ => State::Failed,
    }
}

/// The statements that tell how the endpoint stands.
fn standing(endpoint: &WebhookEndpoint, outcomes: &[Outcome], now: Timestamp) -> Vec<Statement> {
    let id = endpoint.id.as_str();
    let mut statements = Vec::new();
    if outcomes.iter().any(Outcome::counts_against) {
        statements.push(webhook_endpoints::leave_alone(id, now));
    } else if outcomes.iter().any(is_slow) {
        statements.push(webhook_endpoints::slow_down(id, now));
    } else if endpoint.slow_since.is_some() && outcomes.iter().all(|outcome| outcome.is_success) {
        statements.push(webhook_endpoints::speed_up(id));
    }
    if endpoint.failing_since.is_some() && outcomes.iter().any(|outcome| outcome.is_success) {
        statements.push(webhook_endpoints::recover(id));
    }
    statements
}
