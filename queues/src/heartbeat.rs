//! The heartbeat: does what is due, and says when it has to beat again.

use domain::Timestamp;
use flows::{
    Context, Failure, Platform, archive, audit, balance, payouts, receipts, recover, topups,
    webhooks,
};
use futures_util::future::join_all;
use store::scheduled_tasks::{self, Kind, Task};
use store::{Database, Inconsistent, Row, Rows};

/// The longest pause between two beats, in seconds: what nobody woke it for is found by then.
pub const LONGEST_PAUSE: i64 = 60;

/// How many tasks one beat does; the rest follows at once in the next.
const BATCH: i64 = 50;

/// The longest pause between two tries of one task, in seconds.
const LONGEST_BACKOFF: i64 = 3_600;

/// How long the slow tasks of one beat may take, in seconds.
const SLOW_TASKS_TAKE: i64 = 10;

/// How long slow tasks that have to wait let the others pass, in seconds.
const SLOW_TASKS_WAIT: i64 = 5;

/// How many slow tasks are done at the same time: a Worker has six connections.
const TOGETHER: usize = 6;

/// Does what is due. Returns when to beat again; right away where work is left.
pub async fn beat<P: Platform>(platform: &P) -> Timestamp {
    let now = platform.now();
    let days_are_left = left(platform, "balance", balance::move_due(platform).await);
    let payouts_are_left = left(platform, "payouts", payouts::run_due(platform).await);
    let (slow, is_full) = match tasks(platform, now).await {
        Ok(done) => done,
        Err(failure) => {
            platform.log_error("heartbeat", &failure.to_string());
            return now.plus(LONGEST_PAUSE);
        }
    };
    // After the tasks, so that what was done there is told of, too.
    let deliveries_are_left = left(platform, "events", events(platform).await);
    perform_slow(platform, slow).await;
    if is_full || days_are_left || payouts_are_left || deliveries_are_left {
        return now;
    }
    let next = next(platform, now).await;
    // Nobody waits for these, so that they leave the database to the payments most of the time. The
    // buckets come last: one that is slow to answer holds up no work of this beat, but the next beat.
    let is_left = left(platform, "audit", audit::go_on(platform).await)
        | left(platform, "archive", archive::go_on(platform).await);
    let receipts = receipts::make(platform).await.unwrap_or_else(|failure| {
        platform.log_error("receipts", &failure.to_string());
        None
    });
    let later = is_left.then(|| now.plus(1));
    [receipts, later].into_iter().flatten().fold(next, Timestamp::min)
}

/// Does the tasks that are due, but for the slow ones. Returns those, and whether more may be due.
async fn tasks<P: Platform>(platform: &P, now: Timestamp) -> Result<(Vec<Task>, bool), Failure> {
    let due = due(platform, now).await?;
    let is_full = i64::try_from(due.len()).unwrap_or(BATCH) >= BATCH;
    let mut slow = Vec::new();
    for task in due {
        match task {
            Ok(task) if task.kind.is_slow() => slow.push(task),
            Ok(task) => drop(perform(platform, task).await),
            // One row that cannot be read must not keep the others from being done.
            Err((row, error)) => {
                platform.log_error("heartbeat", &format!("{error}, in {row:?}"));
                put_off(platform, &row, now).await;
            }
        }
    }
    Ok((slow, is_full))
}

/// Does slow tasks, some at the same time, while it goes well and not for long. All that are then due let the
/// others pass: a bucket that is away must not keep an attempt from being recovered.
async fn perform_slow<P: Platform>(platform: &P, tasks: Vec<Task>) {
    let ends_at = platform.now().plus(SLOW_TASKS_TAKE);
    let mut tasks = tasks.into_iter().peekable();
    while tasks.peek().is_some() {
        let together = tasks.by_ref().take(TOGETHER).map(|task| perform(platform, task));
        let goes_well = join_all(together).await.into_iter().all(|is_done| is_done);
        let now = platform.now();
        if !goes_well || now > ends_at {
            let later = scheduled_tasks::put_off_slow(now, now.plus(SLOW_TASKS_WAIT));
            if let Err(error) = platform.database().batch(vec![later]).await {
                platform.log_error("heartbeat", &error.to_string());
            }
            return;
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
    // Each is done whatever becomes of the others.
    let fanned_out = crate::deliveries::fan_out(platform).await;
    let letters_are_left =
        left(platform, "dead letters", crate::dead_letters::redrive(platform).await);
    let endpoints_are_left = webhooks::search(platform).await?;
    Ok(fanned_out? || endpoints_are_left || letters_are_left)
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

/// Does one task and strikes it off, or plans its next try. Says whether it is done.
async fn perform<P: Platform>(platform: &P, task: Task) -> bool {
    let context = Context::unattended(platform, task.scope.clone());
    let done = match task.kind {
        Kind::AdvancePayout => recover::advance_payout(&context, &task.subject).await,
        Kind::RecoverAttempt => recover::recover_attempt(&context, &task).await,
        Kind::ExpireAuthorization => recover::expire_authorization(&context, &task).await,
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
    let is_done = done.is_ok();
    if let Err(failure) = done {
        platform.log_error(&task.subject, &format!("{} failed: {failure}", task.kind.name()));
        statements.push(scheduled_tasks::insert(&again(task, context.now)));
    }
    // A task that cannot be struck off is done again, which changes nothing.
    if let Err(error) = context.batch(statements).await {
        platform.log_error("heartbeat", &error.to_string());
    }
    is_done
}

/// The next try of a task that failed, each twice as late as the one before.
fn again(task: Task, now: Timestamp) -> Task {
    let doublings = u32::try_from(task.tries.clamp(0, 10)).unwrap_or(10);
    let pause = 5_i64.saturating_mul(2_i64.saturating_pow(doublings)).min(LONGEST_BACKOFF);
    Task { due_at: now.plus(pause), tries: task.tries.saturating_add(1), ..task }
}
