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

/// Tries a message for the last time, and parks it where that fails.
///
/// # Errors
/// When it cannot be parked either; the message is then to come again.
pub async fn take<P: Platform>(platform: &P, queue: Queue, message: &str) -> Result<(), Failure> {
    let Err(problem) = try_again(platform, queue, message).await else { return Ok(()) };
    platform.log_error("dead letter", &format!("{problem}, from {}: {message}", queue.name()));
    let park = dead_letters::park(queue.name(), message, &problem, platform.now());
    platform.database().batch(vec![park]).await?;
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
        // A queue that this version does not know is a later one's, which was rolled back.
        if let Some(queue) = Queue::of(&letter.queue) {
            take(platform, queue, &letter.body).await?;
        }
        // What died again is parked anew, and not deleted by this.
        platform.database().batch(vec![dead_letters::delete(letter.sequence)]).await?;
    }
    Ok(i64::try_from(rows.len()).unwrap_or(BATCH) >= BATCH)
}
