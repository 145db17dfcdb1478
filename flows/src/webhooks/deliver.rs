//! Delivering: attempts what is due for one endpoint and records what came of it, so that a crash in
//! between costs a second delivery and never loses one.

use domain::event::Transition;
use domain::timestamp::Timestamp;
use domain::webhook::{DISABLES_AFTER, Status, WARNS_AFTER, WebhookEndpoint, schedule};
use futures_util::future::join_all;
use store::deliveries::{self, Due, State};
use store::{Database, DatabaseError, Inconsistent, Rows, Scope, Statement, webhook_endpoints};

use super::attempt::{Outcome, attempt};
use super::{Parcel, secrets};
use crate::announce::{Subjects, events};
use crate::{Context, Failure, Platform};

/// An answer that takes longer than this, in milliseconds, is slow.
const SLOW: i64 = 2_000;

/// How many deliveries are put off at a time whose endpoint cannot be read.
const PUT_OFF: i64 = 100;

/// How many deliveries are ended at a time where an endpoint takes none any more.
const GIVEN_UP: i64 = 500;

/// When an endpoint's own object is to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// At once, or after so many milliseconds.
    After(i64),
    /// At that moment.
    At(Timestamp),
    /// When it is woken.
    Never,
}

/// Makes the first attempts that a message stands for. What was attempted already is left as it is. An
/// endpoint that turns out to be slow or failing gets the rest from its own object, so that it holds up
/// nobody else.
///
/// # Errors
/// When the database does not answer; the message is then to be tried again.
pub async fn deliver<P: Platform>(platform: &P, parcel: &Parcel) -> Result<(), Failure> {
    let id = parcel.endpoint.as_str();
    let read = vec![webhook_endpoints::find_by_id(id), deliveries::find_first(id, &parcel.events)];
    let results = platform.database().batch(read).await?;
    let mut due = due_of(results.get(1))?;
    let recipient = match Recipient::of(results.first()) {
        Ok(Some(recipient)) => recipient,
        Ok(None) => return Ok(()),
        Err(unreadable) => return put_off(platform, id, &unreadable, &due).await,
    };
    let mut is_well = recipient.endpoint.status == Status::Enabled && !recipient.endpoint.is_alone;
    while is_well && !due.is_empty() {
        let rest = due.split_off(concurrency(&recipient.endpoint).min(due.len()));
        is_well = make(platform, &recipient, &due).await?;
        due = rest;
    }
    if !due.is_empty() {
        let events: Vec<i64> = due.iter().map(|due| due.sequence).collect();
        let plan = deliveries::plan(id, &events, platform.now());
        platform.database().batch(vec![plan]).await?;
        platform.wake_endpoint(id).await?;
    }
    Ok(())
}

/// Makes the attempts that are due for an endpoint which is delivered to by its own object, as many as it
/// takes at a time, and says when there is more to do.
///
/// # Errors
/// When the database does not answer.
pub async fn deliver_alone<P: Platform>(platform: &P, endpoint: &str) -> Result<Next, Failure> {
    let now = platform.now();
    let results = platform.database().batch(vec![webhook_endpoints::find_by_id(endpoint)]).await?;
    let recipient = match Recipient::of(results.first()) {
        Ok(Some(recipient)) => recipient,
        Ok(None) => return Ok(Next::Never),
        Err(unreadable) => return put_off_due(platform, endpoint, &unreadable).await,
    };
    if recipient.endpoint.status != Status::Enabled {
        return give_up(platform, endpoint).await;
    }
    let limit = recipient.endpoint.details.max_per_second;
    let most = recipient.endpoint.concurrency().min(limit.unwrap_or(i64::MAX)).max(1);
    let due = deliveries::find_due(endpoint, now, most);
    let results = platform.database().batch(vec![due, deliveries::next_due(endpoint)]).await?;
    let due = due_of(results.first())?;
    if due.is_empty() {
        return rest(platform, &recipient.endpoint, results.get(1)).await;
    }
    make(platform, &recipient, &due).await?;
    let made = i64::try_from(due.len()).unwrap_or(i64::MAX);
    let pause = limit.and_then(|limit| made.saturating_mul(1_000).checked_div(limit));
    Ok(Next::After(pause.unwrap_or(0)))
}

/// An endpoint, and whose it is.
struct Recipient {
    scope: Scope,
    endpoint: WebhookEndpoint,
}

impl Recipient {
    fn of(rows: Option<&Rows>) -> Result<Option<Self>, Unreadable> {
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
}

/// An endpoint whose row cannot be read.
struct Unreadable {
    livemode: bool,
    problem: String,
}

/// Has deliveries fail whose endpoint cannot be read, each like one that it had refused: they can be seen, and
/// arrive by themselves where the row is mended in time.
async fn put_off<P: Platform>(
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

/// The same of what is due, and says when more will be.
async fn put_off_due<P: Platform>(
    platform: &P,
    endpoint: &str,
    unreadable: &Unreadable,
) -> Result<Next, Failure> {
    let due = deliveries::find_due(endpoint, platform.now(), PUT_OFF);
    let results = platform.database().batch(vec![due]).await?;
    put_off(platform, endpoint, unreadable, &due_of(results.first())?).await?;
    let results = platform.database().batch(vec![deliveries::next_due(endpoint)]).await?;
    Ok(next_due(results.first())?.map_or(Next::Never, Next::At))
}

fn due_of(rows: Option<&Rows>) -> Result<Vec<Due>, Failure> {
    let rows = rows.map(|rows| rows.0.as_slice()).unwrap_or_default();
    Ok(rows.iter().map(Due::try_from).collect::<Result<_, _>>()?)
}

fn concurrency(endpoint: &WebhookEndpoint) -> usize {
    usize::try_from(endpoint.concurrency()).unwrap_or(1)
}

/// Attempts deliveries at the same time and records what came of them. Says whether each arrived soon.
async fn make<P: Platform>(
    platform: &P,
    recipient: &Recipient,
    due: &[Due],
) -> Result<bool, Failure> {
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
    platform.database().batch(batch).await?;
    if outcomes.iter().any(|outcome| !outcome.is_success) {
        look_after(platform, recipient, &outcomes).await?;
    }
    Ok(outcomes.iter().all(|outcome| outcome.is_success && !is_slow(outcome)))
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
        statements.push(webhook_endpoints::slow_down(id));
    }
    if endpoint.failing_since.is_some() && outcomes.iter().any(|outcome| outcome.is_success) {
        statements.push(webhook_endpoints::recover(id));
    }
    statements
}

/// Wakes the object of an endpoint that fails, warns its owner after a day, and disables it after three,
/// or at once where it is gone.
async fn look_after<P: Platform>(
    platform: &P,
    recipient: &Recipient,
    outcomes: &[Outcome],
) -> Result<(), Failure> {
    let context = Context::unattended(platform, recipient.scope.clone());
    let mut endpoint = recipient.endpoint.clone();
    let since = endpoint.failing_since.unwrap_or(context.now);
    let fails_for = context.now.seconds().saturating_sub(since.seconds());
    let is_gone = outcomes.iter().any(|outcome| outcome.is_gone);
    let fails = outcomes.iter().any(Outcome::counts_against);
    let works = outcomes.iter().any(|outcome| outcome.is_success);
    let transition = if is_gone || fails && !works && fails_for >= DISABLES_AFTER {
        endpoint.status = Status::Disabled;
        let because = if is_gone { "gone" } else { "failing" };
        endpoint.details.disabled_because = Some(because.to_owned());
        Transition::WebhookEndpointDisabled
    } else if fails && !works && fails_for >= WARNS_AFTER && endpoint.warned_at.is_none() {
        endpoint.warned_at = Some(context.now);
        Transition::WebhookEndpointFailing
    } else {
        return wake(platform, &endpoint).await;
    };
    let mut batch = webhook_endpoints::update(&mut endpoint).to_vec();
    if let Some(at) = endpoint.warned_at {
        batch.push(webhook_endpoints::warn(endpoint.id.as_str(), at));
    }
    let subjects = Subjects { webhook_endpoint: Some(&endpoint), ..Subjects::default() };
    batch.extend(events(&context, transition, subjects, None));
    match context.batch(batch).await {
        // Its owner changed it meanwhile; the next attempt decides again.
        Ok(_) | Err(DatabaseError::Guard(_)) => wake(platform, &endpoint).await,
        Err(error) => Err(error.into()),
    }
}

async fn wake<P: Platform>(platform: &P, endpoint: &WebhookEndpoint) -> Result<(), Failure> {
    Ok(platform.wake_endpoint(endpoint.id.as_str()).await?)
}

/// Ends what is planned for an endpoint that takes nothing any more.
async fn give_up<P: Platform>(platform: &P, endpoint: &str) -> Result<Next, Failure> {
    let because = "The endpoint was disabled or deleted.";
    let batch =
        vec![deliveries::give_up(endpoint, GIVEN_UP, because), deliveries::next_due(endpoint)];
    let results = platform.database().batch(batch).await?;
    Ok(match next_due(results.get(1))? {
        Some(_) => Next::After(0),
        None => Next::Never,
    })
}

/// Nothing is due: waits for what is planned, or gives an endpoint that is well back to the consumer that
/// others share.
async fn rest<P: Platform>(
    platform: &P,
    endpoint: &WebhookEndpoint,
    next: Option<&Rows>,
) -> Result<Next, Failure> {
    if let Some(at) = next_due(next)? {
        return Ok(Next::At(at));
    }
    if endpoint.is_alone && !endpoint.is_particular() && endpoint.failing_since.is_none() {
        let share = webhook_endpoints::share(endpoint.id.as_str());
        platform.database().batch(vec![share]).await?;
    }
    Ok(Next::Never)
}

fn next_due(rows: Option<&Rows>) -> Result<Option<Timestamp>, Failure> {
    let Some(row) = rows.and_then(Rows::first) else { return Ok(None) };
    Ok(row.optional_integer("next_attempt_at")?.map(Timestamp))
}
