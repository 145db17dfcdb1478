//! Dead letters: what a consumer could not take in all its tries comes here. It is tried once more, so
//! that it is known what is wrong with it, and parked with that; an operator has it tried again
//! (`cargo xtask dead-letters redrive`).

use flows::{Failure, Platform};
use store::dead_letters::{self, DeadLetter};
use store::{Database, Rows};

use crate::{Queue, deliveries, wake};

/// How many letters one beat of the heart puts on their way again: ten deliveries each, with up to three queries
/// for one, and it has other work to ask the database for.
const BATCH: i64 = 10;

/// Tries a message for the last time, and parks it where that fails. One that ended the invocation which tried it
/// is left parked.
///
/// # Errors
/// When it cannot be parked; the message is then to come again.
pub async fn take<P: Platform>(platform: &P, queue: Queue, message: &str) -> Result<(), Failure> {
    let find = dead_letters::find(queue.name(), message);
    let results = platform.database().batch(vec![find]).await?;
    let row = results.first().and_then(Rows::first);
    if row.map(dead_letters::is_on_trial).transpose()? == Some(true) {
        platform
            .log_error("dead letter", &format!("left parked, from {}: {message}", queue.name()));
        return Ok(());
    }
    put_on_trial(platform, queue, message).await
}

/// Parks a message first and then tries it, since it may end whoever does.
async fn put_on_trial<P: Platform>(
    platform: &P,
    queue: Queue,
    message: &str,
) -> Result<(), Failure> {
    let name = queue.name();
    let begin = dead_letters::begin_trial(name, message, platform.now());
    platform.database().batch(vec![begin]).await?;
    let end = match try_again(platform, queue, message).await {
        Ok(()) => dead_letters::delete(name, message),
        Err(problem) => {
            platform.log_error("dead letter", &format!("{problem}, from {name}: {message}"));
            dead_letters::explain(name, message, &problem)
        }
    };
    platform.database().batch(vec![end]).await?;
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

/// Tries those letters again that an operator wants to be. Says whether some are left.
///
/// # Errors
/// When the database does not answer.
pub async fn redrive<P: Platform>(platform: &P) -> Result<bool, Failure> {
    let results = platform.database().batch(vec![dead_letters::to_redrive(BATCH)]).await?;
    let rows = results.first().map(|Rows(rows)| rows.as_slice()).unwrap_or_default();
    for row in rows {
        let letter = DeadLetter::try_from(row)?;
        match Queue::of(&letter.queue) {
            Some(queue) => put_on_trial(platform, queue, &letter.body).await?,
            // A queue that this version does not know is a later one's, which was rolled back.
            None => {
                let (queue, body) = (&letter.queue, &letter.body);
                let park = dead_letters::park(queue, body, "Nothing takes it.", platform.now());
                platform.database().batch(vec![park]).await?;
            }
        }
    }
    Ok(i64::try_from(rows.len()).unwrap_or(BATCH) >= BATCH)
}
