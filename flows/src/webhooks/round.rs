//! One round of attempts for an endpoint: made at the same time and recorded together, so that a crash in
//! between costs a second delivery and never loses one.

use std::cell::RefCell;

use domain::timestamp::Timestamp;
use domain::webhook::delivery::Attempt;
use domain::webhook::{Status, WebhookEndpoint, schedule};
use store::deliveries::{self, Due, State};
use store::{Database, Inconsistent, Row, Rows, Scope, Statement, webhook_endpoints};

use super::attempt::{Outcome, attempt};
use super::look_after::look_after;
use super::secrets;
use crate::tasks::{Task, all};
use crate::{Failure, Platform};

/// An answer that takes longer than this, in milliseconds, is slow.
const SLOW: i64 = 2_000;

/// An answer that takes longer than this, in milliseconds, takes long: no endpoint that was slow is well again by it, and
/// one that takes as long on average is left to its object where a batch is not done in time.
pub(super) const LONG: i64 = 500;

/// An endpoint, and whose it is.
pub(super) struct Recipient {
    pub scope: Scope,
    pub endpoint: WebhookEndpoint,
}

impl Recipient {
    /// Reads the row of an endpoint among some, where there is one.
    pub fn among(rows: Option<&Rows>, id: &str) -> Found {
        let is_its = |row: &&Row| row.text("id") == Ok(id);
        let Some(row) = rows.and_then(|Rows(rows)| rows.iter().find(is_its)) else {
            return Ok(None);
        };
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

/// An attempt, and what came of it.
pub(super) struct Made {
    pub due: Due,
    pub outcome: Outcome,
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
        batch.extend(deliveries::record(endpoint, due, &outcome.attempt, state));
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
    due: Vec<Due>,
) -> Result<Found, Failure> {
    let Recipient { scope, endpoint } = recipient;
    let secrets = secrets::live(platform, scope, endpoint);
    let made = RefCell::new(Vec::new());
    let mut attempts: Vec<Task<'_>> = Vec::new();
    for due in due {
        attempts.push(Box::pin(async {
            let outcome = attempt(platform, endpoint, &secrets, &due).await;
            made.borrow_mut().push(Made { due, outcome });
        }));
    }
    all(attempts).await;
    let made = made.into_inner();
    let mut record = Record::default();
    record.add(platform, (endpoint.id.as_str(), endpoint), &made);
    let found = record.write(platform).await?;
    look_after(platform, recipient, &made).await?;
    Ok(Recipient::among(Some(&found), endpoint.id.as_str()))
}

/// What is recorded together of attempts.
#[derive(Default)]
pub(super) struct Record<'m> {
    endpoints: Vec<&'m str>,
    succeeded: Vec<(&'m str, i64, &'m Attempt)>,
    batch: Vec<Statement>,
    ended: Vec<Statement>,
}

impl<'m> Record<'m> {
    /// Adds what came of an endpoint's attempts, and how it stands by that.
    pub fn add<P: Platform>(
        &mut self,
        platform: &P,
        (id, endpoint): (&'m str, &WebhookEndpoint),
        made: &'m [Made],
    ) {
        self.endpoints.push(id);
        for Made { due, outcome } in made {
            if outcome.is_success {
                self.succeeded.push((id, due.sequence, &outcome.attempt));
            } else {
                let state = state(platform, endpoint.livemode, due, outcome);
                self.batch.extend(deliveries::record(id, due, &outcome.attempt, state));
            }
        }
        // What waited for them in order, and was put out of the way, is due.
        let ended = made.iter().filter(|made| made.due.is_ordered).map(|made| made.due.sequence);
        let ended: Vec<i64> = ended.collect();
        if !ended.is_empty() {
            self.ended.push(deliveries::let_follow(id, &ended, platform.now()));
        }
        self.batch.extend(standing(endpoint, made, platform.now()));
    }

    /// Writes it. Finds how the endpoints stand then.
    pub async fn write<P: Platform>(mut self, platform: &P) -> Result<Rows, Failure> {
        if !self.succeeded.is_empty() {
            self.batch.push(deliveries::succeed(&self.succeeded));
        }
        self.batch.extend(self.ended);
        self.batch.push(webhook_endpoints::find_by_ids(&self.endpoints));
        let mut results = platform.database().batch(self.batch).await?;
        Ok(results.pop().unwrap_or_default())
    }
}

/// How a delivery stands after an attempt that failed.
fn state<P: Platform>(platform: &P, livemode: bool, due: &Due, outcome: &Outcome) -> State {
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

/// Gives an endpoint back to the consumer that others share, where it asks for nothing particular; one that its row does not
/// call well stays alone.
pub(super) fn share(endpoint: &WebhookEndpoint) -> Option<Statement> {
    let may_be_shared = endpoint.is_alone && !endpoint.is_particular();
    may_be_shared.then(|| webhook_endpoints::share(endpoint))
}

/// The statements that tell how the endpoint stands.
fn standing(endpoint: &WebhookEndpoint, made: &[Made], now: Timestamp) -> Vec<Statement> {
    let id = endpoint.id.as_str();
    let takes = |than: i64| made.iter().any(|made| made.outcome.attempt.milliseconds > than);
    let mut statements = Vec::new();
    // Who asks to be left in peace means all that is due, not only what was refused.
    let peace = made.iter().filter_map(|made| made.outcome.wants_peace_for());
    if let Some(seconds) = peace.max() {
        let until = now.plus(schedule::heard(seconds, endpoint.livemode));
        statements.push(webhook_endpoints::hold(&[id], None, until));
    }
    if made.iter().any(|made| made.outcome.counts_against()) {
        statements.push(webhook_endpoints::leave_alone(id, now));
    } else if takes(SLOW) {
        statements.push(webhook_endpoints::slow_down(id, now));
    } else if endpoint.slow_since.is_some()
        && !takes(LONG)
        && made.iter().all(|made| made.outcome.is_success)
    {
        statements.push(webhook_endpoints::speed_up(id));
    }
    if endpoint.failing_since.is_some() && made.iter().any(|made| made.outcome.is_success) {
        statements.push(webhook_endpoints::recover(id));
    }
    // Not only once nothing is planned, which never comes while much happens or one event is always refused.
    if made.iter().all(|made| made.outcome.is_success) {
        statements.extend(share(endpoint));
    }
    statements
}
