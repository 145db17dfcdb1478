//! Deliveries by an endpoint's own object, which holds up nobody else.

use domain::timestamp::Timestamp;
use domain::webhook::{MOST_CONCURRENCY, Status, WebhookEndpoint};
use store::deliveries;
use store::{Database, Rows, webhook_endpoints};

use super::round::{Recipient, Unreadable, due_of, make, put_off, share};
use crate::{Failure, Platform};

/// How many rounds an invocation may make: the database takes 1,000 queries from it.
pub const MOST_ROUNDS: usize = 30;

/// How many deliveries are put off at a time whose endpoint cannot be read, with two statements each.
const PUT_OFF: i64 = 10;

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

/// Makes the attempts that are due for an endpoint which is delivered to by its own object, as many as it
/// takes at a time, and says when there is more to do.
///
/// # Errors
/// When the database does not answer.
pub async fn deliver_alone<P: Platform>(platform: &P, endpoint: &str) -> Result<Next, Failure> {
    let now = platform.now();
    let read = vec![
        webhook_endpoints::find_by_ids(&[endpoint]),
        deliveries::find_due(endpoint, now, MOST_CONCURRENCY),
        deliveries::next_due(endpoint),
    ];
    let results = platform.database().batch(read).await?;
    let recipient = match Recipient::among(results.first(), endpoint) {
        Ok(Some(recipient)) => recipient,
        Ok(None) => return Ok(Next::Never),
        Err(unreadable) => return put_off_due(platform, endpoint, &unreadable).await,
    };
    if recipient.endpoint.status != Status::Enabled {
        return give_up(platform, endpoint).await;
    }
    if let Some(until) = recipient.endpoint.held_until.filter(|until| *until > now) {
        return Ok(Next::At(until));
    }
    let limit = recipient.endpoint.details.max_per_second;
    let most = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let mut due = due_of(results.get(1))?;
    due.truncate(recipient.concurrency().min(most).max(1));
    if due.is_empty() {
        return rest(platform, &recipient.endpoint, results.get(2)).await;
    }
    let made = i64::try_from(due.len()).unwrap_or(i64::MAX);
    drop(make(platform, &recipient, due).await?);
    let pause = limit.and_then(|limit| made.saturating_mul(1_000).checked_div(limit));
    Ok(Next::After(pause.unwrap_or(0)))
}

/// Has what is due of an endpoint that cannot be read fail for now, and says when more will be due.
async fn put_off_due<P: Platform>(
    platform: &P,
    endpoint: &str,
    unreadable: &Unreadable,
) -> Result<Next, Failure> {
    let due = deliveries::find_due(endpoint, platform.now(), PUT_OFF);
    let results = platform.database().batch(vec![due]).await?;
    put_off(platform, endpoint, unreadable, &due_of(results.first())?).await?;
    let aside = deliveries::step_aside(endpoint, platform.now());
    let results = platform.database().batch(vec![aside, deliveries::next_due(endpoint)]).await?;
    Ok(next_due(results.get(1))?.map_or(Next::Never, Next::At))
}

/// Ends what is planned for an endpoint that takes nothing any more.
async fn give_up<P: Platform>(platform: &P, endpoint: &str) -> Result<Next, Failure> {
    let because = "The endpoint was disabled or deleted.";
    let give_up = deliveries::give_up(endpoint, GIVEN_UP, because, platform.now());
    let batch = vec![give_up, deliveries::next_due(endpoint)];
    let results = platform.database().batch(batch).await?;
    Ok(match next_due(results.get(1))? {
        Some(_) => Next::After(0),
        None => Next::Never,
    })
}

/// Nothing is to be made: waits for what is planned, or gives an endpoint that is well back to the consumer that
/// others share.
async fn rest<P: Platform>(
    platform: &P,
    endpoint: &WebhookEndpoint,
    next: Option<&Rows>,
) -> Result<Next, Failure> {
    let now = platform.now();
    match next_due(next)? {
        // What is due waits for earlier events. It is put out of the way of what comes after it, a part of it at a time.
        Some(at) if at <= now => {
            platform
                .database()
                .batch(vec![deliveries::step_aside(endpoint.id.as_str(), now)])
                .await?;
            return Ok(Next::After(0));
        }
        Some(at) => return Ok(Next::At(at)),
        None => {}
    }
    let is_well = endpoint.failing_since.is_none() && endpoint.slow_since.is_none();
    if let Some(share) = share(endpoint).filter(|_| is_well) {
        platform.database().batch(vec![share]).await?;
    }
    Ok(Next::Never)
}

fn next_due(rows: Option<&Rows>) -> Result<Option<Timestamp>, Failure> {
    let Some(row) = rows.and_then(Rows::first) else { return Ok(None) };
    Ok(row.optional_integer("next_attempt_at")?.map(Timestamp))
}
