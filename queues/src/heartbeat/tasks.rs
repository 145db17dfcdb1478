//! Tasks: those of a lane that are due, what each of them does, and when the next one will be.

use domain::Timestamp;
use domain::id::{ConnectorAccountId, Id};
use flows::{
    Context, Failure, Platform, connector_webhooks, operations, recover, settlements, topups,
    webhooks,
};
use store::alerts::{self, Trouble};
use store::scheduled_tasks::{self, Kind, Task};
use store::{Database, Row, Rows, Statement};

/// The longest pause between two tries of one task, in seconds.
const LONGEST_BACKOFF: i64 = 3_600;

/// How often a processor is asked in vain before a person is called: an attempt is asked after for the fifth time after a
/// quarter of an hour, when most outages are over.
const SILENT_AFTER: i64 = 4;

/// What became of a task.
pub(super) struct Performed {
    /// Whether it is over, or will be looked at again as it should.
    pub is_done: bool,
    /// The account at a processor that it needs and that did not answer.
    pub unanswered: Option<ConnectorAccountId>,
    /// For how many seconds that account asked to be left in peace.
    pub peace: i64,
}

impl Performed {
    /// What is told of it to the invocation that handed it out.
    pub(super) fn line(&self) -> String {
        let account = self.unanswered.as_ref().map_or("", ConnectorAccountId::as_str);
        format!("{} {account}\n", self.peace)
    }

    /// What was told.
    pub(super) fn from_line(line: &str) -> Self {
        let (peace, account) = line.split_once(' ').unwrap_or_default();
        Self {
            is_done: true,
            unanswered: ConnectorAccountId::parse(account).ok(),
            peace: peace.parse().unwrap_or_default(),
        }
    }
}

/// The tasks that are due, of each kind at most so many. One row that cannot be read keeps no other from being done.
pub(super) async fn due<P: Platform>(
    platform: &P,
    kinds: impl Iterator<Item = Kind>,
    most: i64,
) -> Result<Vec<Task>, Failure> {
    let now = platform.now();
    let find = kinds.map(|kind| scheduled_tasks::due(kind, now, most)).collect();
    let mut due = Vec::new();
    for Rows(rows) in platform.database().batch(find).await? {
        for row in rows {
            match Task::try_from(&row) {
                Ok(task) => due.push(task),
                Err(error) => {
                    platform.log_error("heartbeat", &format!("{error}, in {row:?}"));
                    put_off(platform, &row, now).await;
                }
            }
        }
    }
    Ok(due)
}

/// When the next task will be due, where there is one.
pub(super) async fn next<P: Platform>(
    platform: &P,
    kinds: impl Iterator<Item = Kind>,
) -> Option<Timestamp> {
    let results = platform.database().batch(kinds.map(scheduled_tasks::next).collect()).await;
    results.unwrap_or_default().iter().filter_map(due_at).min()
}

/// When the task is due that [`scheduled_tasks::next`] found.
pub(super) fn due_at(rows: &Rows) -> Option<Timestamp> {
    rows.first().and_then(|row| row.integer("due_at").ok()).map(Timestamp)
}

/// Looks later at a row that cannot be read: it would otherwise come first for ever.
async fn put_off<P: Platform>(platform: &P, row: &Row, now: Timestamp) {
    let later = scheduled_tasks::defer(row, now.plus(LONGEST_BACKOFF));
    if let Err(error) = platform.database().batch(later).await {
        platform.log_error("heartbeat", &error.to_string());
    }
}

/// Does one task and strikes it off, or plans its next try.
pub(super) async fn perform<P: Platform>(platform: &P, task: Task) -> Performed {
    let context = Context::unattended(platform, task.scope.clone());
    let done = match task.kind {
        Kind::AdvancePayout => recover::advance_payout(&context, &task.subject).await,
        Kind::RecoverAttempt => recover::recover_attempt(&context, &task).await,
        Kind::ExpireAuthorization => recover::expire_authorization(&context, &task).await,
        Kind::KeepCard => operations::keep_card(&context, &task).await,
        Kind::OpenDispute => recover::open_dispute(&context, &task.subject).await,
        Kind::ReconcileSettlement => {
            settlements::reconcile(&context, &task.subject, task.tries).await
        }
        Kind::ReplayEvents => webhooks::replay(&context, &task.subject).await,
        Kind::RetryConnectorWebhook => connector_webhooks::retry_planned(&context, &task).await,
        Kind::RunReport => recover::run_report(&context, &task.subject, task.tries).await,
        Kind::SendReceipt => recover::send_receipt(&context, &task.subject, task.tries).await,
        Kind::SettleDispute => recover::settle_dispute(&context, &task.subject).await,
        Kind::SettleRefund => recover::settle_refund(&context, &task).await,
        Kind::SettleTopup => topups::settle(&context, &task.subject).await,
        Kind::UndoAttempt | Kind::LookAgain => recover::undo_attempt(&context, &task).await,
    };
    let mut statements = vec![scheduled_tasks::delete(task.due_at, task.kind, &task.subject)];
    statements.extend(call_where_silent(&context, &task));
    let is_done = done.is_ok();
    if let Err(failure) = done {
        platform.log_error(&task.subject, &format!("{} failed: {failure}", task.kind.name()));
        statements.push(scheduled_tasks::insert(&again(task, context.now)));
    }
    // A task that cannot be struck off is done again, which changes nothing.
    if let Err(error) = context.batch(statements).await {
        platform.log_error("heartbeat", &error.to_string());
    }
    Performed { is_done, unanswered: context.unanswered.take(), peace: context.peace.get() }
}

/// Calls for a person where a processor has not answered for long what it is asked of real money.
fn call_where_silent<P: Platform>(context: &Context<'_, P>, task: &Task) -> Option<Statement> {
    let silent = context.unanswered.borrow();
    let account = silent.as_ref().filter(|_| task.scope.livemode && task.tries >= SILENT_AFTER)?;
    let trouble = Trouble {
        name: alerts::PROCESSOR_SILENT.to_owned(),
        subject: account.as_str().to_owned(),
        problem: "what is under way there has been asked after in vain for long".to_owned(),
    };
    Some(alerts::raise(&[trouble], context.now))
}

/// The next try of a task that failed, each twice as late as the one before.
fn again(task: Task, now: Timestamp) -> Task {
    let doublings = u32::try_from(task.tries.clamp(0, 10)).unwrap_or(10);
    let pause = 5_i64.saturating_mul(2_i64.saturating_pow(doublings)).min(LONGEST_BACKOFF);
    Task { due_at: now.plus(pause), tries: task.tries.saturating_add(1), ..task }
}
