//! What payment processors told unasked.

use domain::connector_webhook::{ConnectorWebhook, Status};
use domain::timestamp::Timestamp;

use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that fails where somebody else tried again what was parked.
pub const STATUS_GUARD: &str = "connector_webhook_status";

pub(crate) const INSERT: &str = "\
    INSERT INTO connector_webhooks (id, account, livemode, created, connector_account, event, type, \
    reference, status, problem, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

pub(crate) const UPDATE: &str = "\
    UPDATE connector_webhooks SET status = ?2, problem = ?3, body = ?4 \
    WHERE id = ?1 AND status = 'parked'";

pub(crate) const FIND: &str =
    "SELECT * FROM connector_webhooks WHERE id = ?1 AND account = ?2 AND livemode = ?3";

// Rows are as old as they were written early: the first few tell.
pub(crate) const FORGET: &str = "\
    DELETE FROM connector_webhooks WHERE created < ?1 AND sequence IN \
    (SELECT sequence FROM connector_webhooks WHERE sequence >= 0 ORDER BY sequence LIMIT ?2) RETURNING sequence";

/// Writes what came for the first time.
pub fn insert(scope: &Scope, webhook: &ConnectorWebhook) -> Statement {
    Statement::new(
        INSERT,
        values![
            webhook.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            webhook.created.seconds(),
            webhook.connector_account.as_str(),
            webhook.event.as_str(),
            webhook.kind.as_str(),
            webhook.reference.as_deref(),
            webhook.status.name(),
            webhook.problem.as_deref(),
            kept_body(webhook),
        ],
    )
}

/// Writes what became of it when it was tried again.
pub fn update(webhook: &ConnectorWebhook) -> [Statement; 2] {
    let values = values![
        webhook.id.as_str(),
        webhook.status.name(),
        webhook.problem.as_deref(),
        kept_body(webhook),
    ];
    [Statement::new(UPDATE, values), guard::changed_one(STATUS_GUARD)]
}

/// It says whom a payment is from, and is not kept for longer than it may be needed.
fn kept_body(webhook: &ConnectorWebhook) -> Option<&str> {
    webhook.body.as_deref().filter(|_| webhook.status == Status::Parked)
}

/// Finds one.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

/// Removes those that came before a moment, at most so many; a row for each that is gone.
pub fn forget(before: Timestamp, most: i64) -> Statement {
    Statement::new(FORGET, values![before.seconds(), most])
}

impl TryFrom<&Row> for ConnectorWebhook {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        let text = |column| row.optional_text(column).map(|text| text.map(str::to_owned));
        Ok(Self {
            id: row.named("id")?,
            livemode: row.flag("livemode")?,
            created: Timestamp(row.integer("created")?),
            connector_account: row.named("connector_account")?,
            event: row.text("event")?.to_owned(),
            kind: row.text("type")?.to_owned(),
            reference: text("reference")?,
            status: row.named("status")?,
            problem: text("problem")?,
            body: text("body")?,
        })
    }
}
