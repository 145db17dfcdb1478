//! Work that becomes due, for the heartbeat.

use domain::id::{AccountId, Id};
use domain::timestamp::Timestamp;

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, values};

pub(crate) const INSERT: &str = "\
    INSERT INTO scheduled_tasks (due_at, kind, subject, account, livemode, tries) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";

pub(crate) const DELETE: &str =
    "DELETE FROM scheduled_tasks WHERE due_at = ?1 AND kind = ?2 AND subject = ?3";

pub(crate) const DEFER: &str = "\
    UPDATE OR IGNORE scheduled_tasks SET due_at = ?4 \
    WHERE due_at = ?1 AND kind = ?2 AND subject = ?3";

// Kinds that this version does not know are a later one's, which was rolled back: nobody looks for them.
pub(crate) const DUE: &str = "\
    SELECT * FROM scheduled_tasks WHERE kind = ?1 AND due_at <= ?2 ORDER BY due_at, subject LIMIT ?3";

pub(crate) const NEXT: &str =
    "SELECT due_at FROM scheduled_tasks WHERE kind = ?1 AND due_at >= 0 ORDER BY due_at LIMIT 1";

// One of the same subject that is planned for then is as good.
pub(crate) const PUT_OFF: &str = "\
    UPDATE OR REPLACE scheduled_tasks SET due_at = ?2 WHERE (kind, due_at, subject) IN \
    (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1))";

// What a task is about says where it is asked after; no two kinds of object have the same id.
pub(crate) const PROCESSORS: &str = "\
    SELECT value AS subject, COALESCE(\
    (SELECT connector_account FROM attempts WHERE id = value), \
    (SELECT details ->> '$.processor.account' FROM charges WHERE id = value), \
    (SELECT c.details ->> '$.processor.account' FROM refunds AS r JOIN charges AS c ON c.id = r.charge \
    WHERE r.id = value), \
    (SELECT connector_account FROM connector_webhooks WHERE id = value), \
    (SELECT (SELECT value ->> 'connector_account' FROM json_each(m.details, '$.remembered') \
    WHERE value ->> 'customer' IS NULL LIMIT 1) FROM payment_methods AS m WHERE m.id = value)) AS connector_account \
    FROM json_each(?1)";

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A payout is brought to its next state.
    AdvancePayout,
    /// An attempt whose outcome nobody recorded is brought to its end.
    RecoverAttempt,
    /// A card that a processor was asked to remember is kept there for later payments.
    KeepCard,
    /// A held authorisation that nobody captured ends.
    ExpireAuthorization,
    /// What a processor did for an attempt that was given up, and was let go of, is looked at once more.
    LookAgain,
    /// The simulator's cardholder disputes a charge.
    OpenDispute,
    /// What a processor reported is held against the books.
    ReconcileSettlement,
    /// A replay goes on.
    ReplayEvents,
    /// What a processor told of something that nobody knew is tried again.
    RetryConnectorWebhook,
    /// A report is written on.
    RunReport,
    /// A receipt is kept, and sent to the customer.
    SendReceipt,
    /// The simulator's bank acts on a dispute.
    SettleDispute,
    /// A refund that the simulator keeps on its way is brought to its end.
    SettleRefund,
    /// The simulator's bank answers a top-up.
    SettleTopup,
    /// What a processor did for an attempt that was given up is taken back.
    UndoAttempt,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 15] = [
        Self::AdvancePayout,
        Self::RecoverAttempt,
        Self::KeepCard,
        Self::ExpireAuthorization,
        Self::LookAgain,
        Self::OpenDispute,
        Self::ReconcileSettlement,
        Self::ReplayEvents,
        Self::RetryConnectorWebhook,
        Self::RunReport,
        Self::SendReceipt,
        Self::SettleDispute,
        Self::SettleRefund,
        Self::SettleTopup,
        Self::UndoAttempt,
    ];

    /// The kind of a name.
    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::AdvancePayout => "advance_payout",
            Self::RecoverAttempt => "recover_attempt",
            Self::KeepCard => "keep_card",
            Self::ExpireAuthorization => "expire_authorization",
            Self::LookAgain => "look_again",
            Self::OpenDispute => "open_dispute",
            Self::ReconcileSettlement => "reconcile_settlement",
            Self::ReplayEvents => "replay_events",
            Self::RetryConnectorWebhook => "retry_connector_webhook",
            Self::RunReport => "run_report",
            Self::SendReceipt => "send_receipt",
            Self::SettleDispute => "settle_dispute",
            Self::SettleRefund => "settle_refund",
            Self::SettleTopup => "settle_topup",
            Self::UndoAttempt => "undo_attempt",
        }
    }
}

/// Work that becomes due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// When.
    pub due_at: Timestamp,
    /// What.
    pub kind: Kind,
    /// The object that it is about.
    pub subject: String,
    /// Whose it is.
    pub scope: Scope,
    /// How often it was tried in vain.
    pub tries: i64,
}

/// Plans a task.
pub fn insert(task: &Task) -> Statement {
    Statement::new(
        INSERT,
        values![
            task.due_at.seconds(),
            task.kind.name(),
            task.subject.as_str(),
            task.scope.account.as_str(),
            task.scope.livemode,
            task.tries,
        ],
    )
}

/// Tasks as lines of a text, for whoever does them elsewhere.
pub fn to_text(tasks: &[Task]) -> String {
    let line = |task: &Task| {
        let Task { due_at: Timestamp(due_at), kind, subject, scope, tries } = task;
        let Scope { account, livemode } = scope;
        format!("{due_at} {} {subject} {account} {livemode} {tries}\n", kind.name())
    };
    tasks.iter().map(line).collect()
}

/// The tasks of a text; nothing where it cannot be read, as one of another version.
pub fn from_text(text: &str) -> Option<Vec<Task>> {
    text.lines().map(from_line).collect()
}

fn from_line(line: &str) -> Option<Task> {
    let mut parts = line.split(' ');
    let mut next = || parts.next();
    Some(Task {
        due_at: Timestamp(next()?.parse().ok()?),
        kind: Kind::from_name(next()?)?,
        subject: next()?.to_owned(),
        scope: Scope { account: AccountId::parse(next()?).ok()?, livemode: next()? == "true" },
        tries: next()?.parse().ok()?,
    })
}

/// Strikes a task off.
pub fn delete(due_at: Timestamp, kind: Kind, subject: &str) -> Statement {
    Statement::new(DELETE, values![due_at.seconds(), kind.name(), subject])
}

/// Puts off a row that cannot be read, so that it stands in nobody's way.
pub fn defer(row: &Row, until: Timestamp) -> Vec<Statement> {
    let (due_at, kind, subject) = (row.integer("due_at"), row.text("kind"), row.text("subject"));
    match (due_at, kind, subject) {
        (Ok(due_at), Ok(kind), Ok(subject)) => {
            vec![Statement::new(DEFER, values![due_at, kind, subject, until.seconds()])]
        }
        _ => Vec::new(),
    }
}

/// Puts off tasks until then.
pub fn put_off(tasks: &[Task], until: Timestamp) -> Statement {
    let keys: Vec<_> =
        tasks.iter().map(|task| (task.kind.name(), task.due_at, &task.subject)).collect();
    Statement::new(PUT_OFF, values![json(&keys), until.seconds()])
}

/// Finds the accounts at processors that tasks wait for: columns `subject` and `connector_account`, which is null where a
/// task waits for none.
pub fn processors(tasks: &[Task]) -> Statement {
    let subjects: Vec<_> = tasks.iter().map(|task| &task.subject).collect();
    Statement::new(PROCESSORS, values![json(&subjects)])
}

/// Finds the tasks of a kind that are due, the oldest first, at most so many.
pub fn due(kind: Kind, now: Timestamp, most: i64) -> Statement {
    Statement::new(DUE, values![kind.name(), now.seconds(), most])
}

/// Finds when the next task of a kind is due (column `due_at`; no row when there is none).
pub fn next(kind: Kind) -> Statement {
    Statement::new(NEXT, values![kind.name()])
}

impl TryFrom<&Row> for Task {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        let name = row.text("kind")?;
        let kind = Kind::from_name(name).ok_or_else(|| Inconsistent {
            column: "kind",
            problem: format!("{name} is no kind of task"),
        })?;
        Ok(Self {
            due_at: Timestamp(row.integer("due_at")?),
            kind,
            subject: row.text("subject")?.to_owned(),
            scope: Scope {
                account: row.named::<AccountId>("account")?,
                livemode: row.flag("livemode")?,
            },
            tries: row.integer("tries")?,
        })
    }
}
