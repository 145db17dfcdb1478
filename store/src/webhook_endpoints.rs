//! Webhook endpoints.

use domain::timestamp::Timestamp;
use domain::webhook::WebhookEndpoint;

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that another change of the endpoint fails.
pub const VERSION_GUARD: &str = "webhook_endpoint_version";
/// The guard that fails when the account has as many endpoints as it may.
pub const ROOM_GUARD: &str = "webhook_endpoint_room";

// The endpoint hears of what comes after it: what was before is neither sent nor looked for.
pub(crate) const INSERT: &str = "\
    INSERT INTO webhook_endpoints (id, account, livemode, created, version, url, status, is_alone, \
    details, since_event, settled_through) \
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, last, last \
    FROM (SELECT COALESCE(MAX(sequence), 0) AS last FROM events)";

pub(crate) const MUST_HAVE_ROOM: &str = "\
    INSERT INTO guard SELECT (SELECT COUNT(*) FROM webhook_endpoints WHERE account = ?1 \
    AND livemode = ?2 AND status <> 'deleted') <= ?3, 'webhook_endpoint_room'";

pub(crate) const UPDATE: &str = "\
    UPDATE webhook_endpoints SET version = version + 1, url = ?3, status = ?4, is_alone = ?5, \
    failing_since = ?6, warned_at = ?7, details = ?8 \
    WHERE id = ?1 AND version = ?2";

pub(crate) const FIND: &str =
    "SELECT * FROM webhook_endpoints WHERE id = ?1 AND account = ?2 AND livemode = ?3";

pub(crate) const FIND_BY_ID: &str = "SELECT * FROM webhook_endpoints WHERE id = ?1";

pub(crate) const LEAVE_ALONE: &str = "\
    UPDATE webhook_endpoints SET is_alone = 1, failing_since = COALESCE(failing_since, ?2) \
    WHERE id = ?1 AND (is_alone = 0 OR failing_since IS NULL)";

pub(crate) const SLOW_DOWN: &str =
    "UPDATE webhook_endpoints SET is_alone = 1 WHERE id = ?1 AND is_alone = 0";

pub(crate) const RECOVER: &str = "\
    UPDATE webhook_endpoints SET failing_since = NULL, warned_at = NULL WHERE id = ?1";

pub(crate) const SHARE: &str = "UPDATE webhook_endpoints SET is_alone = 0 WHERE id = ?1";

/// Writes a new endpoint, unless the account has so many already.
pub fn insert(scope: &Scope, endpoint: &WebhookEndpoint, most: usize) -> [Statement; 2] {
    let account = scope.account.as_str();
    let insert = Statement::new(
        INSERT,
        values![
            endpoint.id.as_str(),
            account,
            scope.livemode,
            endpoint.created.seconds(),
            endpoint.version,
            endpoint.url.as_str(),
            endpoint.status.name(),
            endpoint.is_alone,
            json(&endpoint.details),
        ],
    );
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    [insert, Statement::new(MUST_HAVE_ROOM, values![account, scope.livemode, most])]
}

/// Writes a changed endpoint over the version that the change saw. Its version rises by one, in the row
/// and here.
pub fn update(endpoint: &mut WebhookEndpoint) -> [Statement; 2] {
    let update = Statement::new(
        UPDATE,
        values![
            endpoint.id.as_str(),
            endpoint.version,
            endpoint.url.as_str(),
            endpoint.status.name(),
            endpoint.is_alone,
            endpoint.failing_since.map(Timestamp::seconds),
            endpoint.warned_at.map(Timestamp::seconds),
            json(&endpoint.details),
        ],
    );
    endpoint.version = endpoint.version.saturating_add(1);
    [update, guard::changed_one(VERSION_GUARD)]
}

/// Finds an endpoint, also one that its owner deleted.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

/// Finds an endpoint, whosever it is and however it stands.
pub fn find_by_id(id: &str) -> Statement {
    Statement::new(FIND_BY_ID, values![id])
}

/// Has a failing endpoint delivered to by its own object, and remembers since when it fails.
pub fn leave_alone(id: &str, now: Timestamp) -> Statement {
    Statement::new(LEAVE_ALONE, values![id, now.seconds()])
}

/// Has a slow endpoint delivered to by its own object.
pub fn slow_down(id: &str) -> Statement {
    Statement::new(SLOW_DOWN, values![id])
}

/// An endpoint that was failing took a delivery.
pub fn recover(id: &str) -> Statement {
    Statement::new(RECOVER, values![id])
}

/// Has an endpoint that is well again delivered to by the consumer that others share.
pub fn share(id: &str) -> Statement {
    Statement::new(SHARE, values![id])
}

/// Whose endpoint a row is.
///
/// # Errors
/// When the row cannot be read.
pub fn scope(row: &Row) -> Result<Scope, Inconsistent> {
    Ok(Scope { account: row.named("account")?, livemode: row.flag("livemode")? })
}

impl TryFrom<&Row> for WebhookEndpoint {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named("id")?,
            livemode: row.flag("livemode")?,
            created: Timestamp(row.integer("created")?),
            version: row.integer("version")?,
            url: row.text("url")?.to_owned(),
            status: row.named("status")?,
            is_alone: row.flag("is_alone")?,
            failing_since: row.optional_integer("failing_since")?.map(Timestamp),
            warned_at: row.optional_integer("warned_at")?.map(Timestamp),
            details: row.json("details")?,
        })
    }
}
