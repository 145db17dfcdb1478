//! Dead letters: what a consumer could not take in all its tries comes here. It is tried once more, so
//! that it is known what is wrong with it, and parked with that; an operator has it put on its way again
//! (`cargo xtask dead-letters redrive`). Mail that was given up is among them.

use flows::webhooks::Parcel;
use flows::{Failure, Platform, receipts};
use store::dead_letters::{self, DeadLetter};
use store::{Database, Rows};

use crate::{Queue, deliveries, wake};

/// How many letters one beat of the heart puts on their way again.
const BATCH: i64 = 100;

/// Tries a message for the last time, and parks it where that fails, which calls for a person. One that ended the
/// invocation which tried it is left parked.
///
/// # Errors
/// When it cannot be parked; the message is then to come again.
pub async fn take<P: Platform>(platform: &P, queue: Queue, message: &str) -> Result<(), Failure> {
    let name = queue.name();
    let results = platform.database().batch(vec![dead_letters::find(name, message)]).await?;
    let row = results.first().and_then(Rows::first);
    if row.map(dead_letters::is_on_trial).transpose()? == Some(true) {
        return Ok(());
    }
    // It is parked first, since it may end whoever tries it. Soon after that, somebody is told.
    let begin = dead_letters::begin_trial(name, message, platform.now());
    platform.database().batch(vec![begin]).await?;
    let end = match try_again(platform, queue, message).await {
        Ok(()) => dead_letters::delete(name, message),
        Err(problem) => dead_letters::explain(name, message, &problem),
    };
    platform.database().batch(vec![end]).await?;
    platform.wake(platform.now());
    Ok(())
}

async fn try_again<P: Platform>(platform: &P, queue: Queue, message: &str) -> Result<(), String> {
    match queue {
        Queue::Deliveries => deliveries::deliver(platform, message).await,
        Queue::Events => {
            deliveries::fan_out(platform).await.map(drop).map_err(|failure| failure.to_string())
        }
        // The heartbeat has looked by itself since then.
        Queue::Wake => wake::due_at(message).map(drop),
    }
}

/// Puts those letters on their way again that an operator wants to be tried: nothing is tried here, which would hold up
/// the heartbeat. One that nobody can take is parked again. Says whether some are left.
///
/// # Errors
/// When the database or a queue does not answer.
pub async fn redrive<P: Platform>(platform: &P) -> Result<bool, Failure> {
    let results = platform.database().batch(vec![dead_letters::to_redrive(BATCH)]).await?;
    let rows = results.first().map(|Rows(rows)| rows.as_slice()).unwrap_or_default();
    let (mut parcels, mut batch) = (Vec::new(), Vec::new());
    for row in rows {
        let DeadLetter { queue, body } = DeadLetter::try_from(row)?;
        if queue == dead_letters::MAIL {
            if let Err(failure) = receipts::send_again(platform, &body).await {
                let problem = failure.to_string();
                platform.log_error(&body, &problem);
                batch.push(dead_letters::park(&queue, &body, &problem, platform.now()));
            }
            continue;
        }
        match put_back(platform, Queue::of(&queue), &body) {
            Ok(parcel) => {
                parcels.extend(parcel);
                batch.push(dead_letters::put_back(&queue, &body));
            }
            Err(problem) => {
                platform.log_error("dead letter", &format!("{problem}, from {queue}: {body}"));
                batch.push(dead_letters::park(&queue, &body, &problem, platform.now()));
            }
        }
    }
    if !parcels.is_empty() {
        platform.enqueue(&parcels).await?;
    }
    if !batch.is_empty() {
        platform.database().batch(batch).await?;
    }
    Ok(i64::try_from(rows.len()).unwrap_or(BATCH) >= BATCH)
}

/// What a letter is put on its way as, where there is more to it than that it says *now*.
fn put_back<P: Platform>(
    platform: &P,
    queue: Option<Queue>,
    message: &str,
) -> Result<Option<Parcel>, String> {
    match queue {
        Some(Queue::Deliveries) => deliveries::parcel(message).map(Some),
        Some(Queue::Events) => {
            platform.announce();
            Ok(None)
        }
        // The heartbeat is looking right now.
        Some(Queue::Wake) => wake::due_at(message).map(|_| None),
        // A queue that this version does not know is a later one's, which was rolled back.
        None => Err("Nothing takes it.".to_owned()),
    }
}
