//! The heartbeat: does what is due, and says when it has to beat again.

use domain::Timestamp;
use flows::{
    Context, Failure, Platform, archive, audit, balance, payouts, receipts, recover, topups,
    webhooks,
};
use store::scheduled_tasks::{self, Kind, Task};
use store::{Database, Inconsistent, Row, Rows};

/// The longest pause between two beats, in seconds: what nobody woke it for is found by then.
pub const LONGEST_PAUSE: i64 = 60;

/// How many tasks one beat does; the rest follows at once in the next.
const BATCH: i64 = 50;

/// The longest pause between two tries of one task, in seconds.
const LONGEST_BACKOFF: i64 = 3_600;

/// Does what is due. Returns when to beat again; right away where work is left.
pub async fn beat<P: Platform>(platform: &P) -> Timestamp {
    let now = platform.now();
    let days_are_left = left(platform, "balance", balance::move_due(platform).await);
    let payouts_are_left = left(platform, "payouts", payouts::run_due(platform).await);
    match due(platform, now).await {
        Ok(tasks) => {
            let full = i64::try_from(tasks.len()).unwrap_or(BATCH) >= BATCH;
            for task in tasks {
                match task {
                    Ok(task) => perform(platform, task).await,
                    // One row that cannot be read must not keep the others from being done.
                    Err((row, error)) => {
                        platform.log_error("heartbeat", &format!("{error}, in {row:?}"));
                        put_off(platform, &row, now).await;
                    }
                }
            }
            // Last, so that what was done here is told of, too.
            let deliveries_are_left = left(platform, "events", events(platform).await);
            if full || days_are_left || payouts_are_left || deliveries_are_left {
                return now;
            }
            let next = next(platform, now).await;
            // Nobody waits for these, so that they leave the database to the payments most of the time. The
            // buckets come last: one that is slow to answer holds up no work of this beat, but the next beat.
            let is_left = left(platform, "audit", audit::go_on(platform).await)
                | left(platform, "archive", archive::go_on(platform).await);
            if left(platform, "receipts", receipts::make(platform).await) {
                return now;
            }
            if is_left { next.min(now.plus(1)) } else { next }
        }
        Err(failure) => {
            platform.log_error("heartbeat", &failure.to_string());
            now.plus(LONGEST_PAUSE)
        }
    }
}

/// Whether some of a part's work is left; what went wrong is tried again with the next beat.
fn left<P: Platform>(platform: &P, part: &str, done: Result<bool, Failure>) -> bool {
    done.unwrap_or_else(|failure| {
        platform.log_error(part, &failure.to_string());
        false
    })
}

/// Hands out events that nobody was woken for, finds deliveries that were lost on their way, and tries
/// dead letters again where an operator wants it. Says whether some of that is left.
async fn events<P: Platform>(platform: &P) -> Result<bool, Failure> {
    crate::deliveries::fan_out(platform).await?;
    let letters_are_left = crate::dead_letters::redrive(platform).await?;
    Ok(webhooks::search(platform).await? || letters_are_left)
}

async fn due<P: Platform>(
    platform: &P,
    now: Timestamp,
) -> Result<Vec<Result<Task, (Row, Inconsistent)>>, Failure> {
    let results = platform.database().batch(vec![scheduled_tasks::due(now, BATCH)]).await?;
    let rows = results.first().map(|rows| rows.0.as_slice()).unwrap_or_default();
    Ok(rows.iter().map(|row| Task::try_from(row).map_err(|error| (row.clone(), error))).collect())
}

async fn next<P: Platform>(platform: &P, now: Timestamp) -> Timestamp {
    let latest = now.plus(LONGEST_PAUSE);
    let Ok(results) = platform.database().batch(vec![scheduled_tasks::next()]).await else {
        return latest;
    };
    let due_at = results
        .first()
        .and_then(Rows::first)
        .and_then(|row| row.optional_integer("due_at").ok().flatten());
    due_at.map_or(latest, |due_at| Timestamp(due_at).min(latest))
}

/// Looks later at a row that cannot be read: it would otherwise come first for ever.
async fn put_off<P: Platform>(platform: &P, row: &Row, now: Timestamp) {
    let later = scheduled_tasks::defer(row, now.plus(LONGEST_BACKOFF));
    if let Err(error) = platform.database().batch(later).await {
        platform.log_error("heartbeat", &error.to_string());
    }
}

/// Does one task and strikes it off, or plans its next try.
async fn perform<P: Platform>(platform: &P, task: Task) {
    let context = Context::unattended(platform, task.scope.clone());
    let done = match task.kind {
        Kind::AdvancePayout => recover::advance_payout(&context, &task.subject).await,
        Kind::RecoverAttempt => recover::recover_attempt(&context, &task).await,
        Kind::ExpireAuthorization => recover::expire_authorization(&context, &task.subject).await,
        Kind::OpenDispute => recover::open_dispute(&context, &task.subject).await,
        Kind::ReplayEvents => webhooks::replay(&context, &task.subject).await,
        Kind::RunReport => recover::run_report(&context, &task.subject, task.tries).await,
        Kind::SendReceipt => recover::send_receipt(&context, &task.subject, task.tries).await,
        Kind::SettleDispute => recover::settle_dispute(&context, &task.subject).await,
        Kind::SettleRefund => recover::settle_refund(&context, &task).await,
        Kind::SettleTopup => topups::settle(&context, &task.subject).await,
        Kind::UndoAttempt => recover::undo_attempt(&context, &task).await,
    };
    let mut statements = vec![scheduled_tasks::delete(task.due_at, task.kind, &task.subject)];
    if let Err(failure) = done {
        platform.log_error(&task.subject, &format!("{} failed: {failure}", task.kind.name()));
        statements.push(scheduled_tasks::insert(&again(task, context.now)));
    }
    // A task that cannot be struck off is done again, which changes nothing.
    if let Err(error) = context.batch(statements).await {
        platform.log_error("heartbeat", &error.to_string());
    }
}

/// The next try of a task that failed, each twice as late as the one before.
fn again(task: Task, now: Timestamp) -> Task {
    let doublings = u32::try_from(task.tries.clamp(0, 10)).unwrap_or(10);
    let pause = 5_i64.saturating_mul(2_i64.saturating_pow(doublings)).min(LONGEST_BACKOFF);
    Task { due_at: now.plus(pause), tries: task.tries.saturating_add(1), ..task }
}
