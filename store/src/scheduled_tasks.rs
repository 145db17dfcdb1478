//! Work that becomes due, for the heartbeat.

use domain::id::AccountId;
use domain::timestamp::Timestamp;

use crate::{Inconsistent, Row, Scope, Statement, values};

pub(crate) const INSERT: &str = "\
    INSERT INTO scheduled_tasks (due_at, kind, subject, account, livemode, tries) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";

pub(crate) const DELETE: &str =
    "DELETE FROM scheduled_tasks WHERE due_at = ?1 AND kind = ?2 AND subject = ?3";

pub(crate) const DEFER: &str = "\
    UPDATE OR IGNORE scheduled_tasks SET due_at = ?4 \
    WHERE due_at = ?1 AND kind = ?2 AND subject = ?3";

// Kinds that this version does not know are a later one's, which was rolled back: they must neither
// hold up the others nor be struck off.
pub(crate) const DUE: &str = "\
    SELECT * FROM scheduled_tasks WHERE due_at <= ?1 \
    AND kind IN ('advance_payout', 'recover_attempt', 'expire_authorization', 'open_dispute', \
    'replay_events', 'run_report', 'send_receipt', 'settle_dispute', 'settle_refund', \
    'settle_topup', 'undo_attempt') \
    ORDER BY due_at, kind, subject LIMIT ?2";

pub(crate) const NEXT: &str = "\
    SELECT due_at FROM scheduled_tasks WHERE due_at >= 0 \
    AND kind IN ('advance_payout', 'recover_attempt', 'expire_authorization', 'open_dispute', \
    'replay_events', 'run_report', 'send_receipt', 'settle_dispute', 'settle_refund', \
    'settle_topup', 'undo_attempt') \
    ORDER BY due_at LIMIT 1";

// One of the same charge that is planned for then is as good.
pub(crate) const PUT_OFF_SLOW: &str = "\
    UPDATE OR REPLACE scheduled_tasks SET due_at = ?2 \
    WHERE due_at <= ?1 AND kind IN ('run_report', 'send_receipt')";

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A payout is brought to its next state.
    AdvancePayout,
    /// An attempt whose outcome nobody recorded is brought to its end.
    RecoverAttempt,
    /// A held authorisation that nobody captured ends.
    ExpireAuthorization,
    /// The simulator's cardholder disputes a charge.
    OpenDispute,
    /// A replay goes on.
    ReplayEvents,
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
    const ALL: [Self; 11] = [
        Self::AdvancePayout,
        Self::RecoverAttempt,
        Self::ExpireAuthorization,
        Self::OpenDispute,
        Self::ReplayEvents,
        Self::RunReport,
        Self::SendReceipt,
        Self::SettleDispute,
        Self::SettleRefund,
        Self::SettleTopup,
        Self::UndoAttempt,
    ];

    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::AdvancePayout => "advance_payout",
            Self::RecoverAttempt => "recover_attempt",
            Self::ExpireAuthorization => "expire_authorization",
            Self::OpenDispute => "open_dispute",
            Self::ReplayEvents => "replay_events",
            Self::RunReport => "run_report",
            Self::SendReceipt => "send_receipt",
            Self::SettleDispute => "settle_dispute",
            Self::SettleRefund => "settle_refund",
            Self::SettleTopup => "settle_topup",
            Self::UndoAttempt => "undo_attempt",
        }
    }

    /// Whether it waits for a bucket or for whoever sends mail, and so may take long.
    pub fn is_slow(self) -> bool {
        matches!(self, Self::RunReport | Self::SendReceipt)
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

/// Puts off the slow tasks that are due ([`Kind::is_slow`]).
pub fn put_off_slow(now: Timestamp, until: Timestamp) -> Statement {
    Statement::new(PUT_OFF_SLOW, values![now.seconds(), until.seconds()])
}

/// Finds the tasks that are due, the oldest first.
pub fn due(now: Timestamp, limit: i64) -> Statement {
    Statement::new(DUE, values![now.seconds(), limit])
}

/// Finds when the next task is due (column `due_at`; no row when there is none).
pub fn next() -> Statement {
    Statement::new(NEXT, values![])
}

impl TryFrom<&Row> for Task {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        let name = row.text("kind")?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            Inconsistent { column: "kind", problem: format!("{name} is no kind of task") }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_when_it_is_due_and_put_off_if_it_is_slow() {
        for kind in Kind::ALL {
            let name = format!("'{}'", kind.name());
            assert!(DUE.contains(&name) && NEXT.contains(&name), "{name}");
            assert_eq!(PUT_OFF_SLOW.contains(&name), kind.is_slow(), "{name}");
        }
    }
}
