//! Webhook endpoints.

use domain::timestamp::Timestamp;
use domain::webhook::{Health, WebhookEndpoint};

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
    INSERT INTO guard SELECT (SELECT COUNT(*) FROM webhook_endpoints INDEXED BY webhook_endpoints_living WHERE account = ?1 \
    AND livemode = ?2 AND status <> 'deleted') <= ?3, 'webhook_endpoint_room'";

// How it fails and whether it is alone is written by those who deliver, who know of no version.
pub(crate) const UPDATE: &str = "\
    UPDATE webhook_endpoints SET version = version + 1, url = ?3, status = ?4, \
    is_alone = is_alone OR ?5, details = ?6 WHERE id = ?1 AND version = ?2";

pub(crate) const FIND: &str =
    "SELECT * FROM webhook_endpoints WHERE id = ?1 AND account = ?2 AND livemode = ?3";

pub(crate) const FIND_BY_IDS: &str =
    "SELECT * FROM webhook_endpoints WHERE id IN (SELECT value FROM json_each(?1))";

pub(crate) const LEAVE_ALONE: &str = "\
    UPDATE webhook_endpoints SET is_alone = 1, failing_since = COALESCE(failing_since, ?2) \
    WHERE id = ?1 AND (is_alone = 0 OR failing_since IS NULL)";

pub(crate) const SLOW_DOWN: &str = "\
    UPDATE webhook_endpoints SET is_alone = 1, slow_since = COALESCE(slow_since, ?2) \
    WHERE id = ?1 AND (is_alone = 0 OR slow_since IS NULL)";

pub(crate) const SPEED_UP: &str = "UPDATE webhook_endpoints SET slow_since = NULL WHERE id = ?1";

// One that is well goes on with the consumer that others share: its object makes only what it was left.
pub(crate) const HOLD: &str = "\
    UPDATE webhook_endpoints SET is_alone = is_alone OR ?2 IS NOT NULL, slow_since = COALESCE(slow_since, ?2), \
    held_until = MAX(?3, COALESCE(held_until, 0)) WHERE id IN (SELECT value FROM json_each(?1))";

// Another consumer may have told its object to wait for longer.
pub(crate) const RELEASE: &str =
    "UPDATE webhook_endpoints SET held_until = NULL WHERE id = ?1 AND held_until = ?2";

pub(crate) const RECOVER: &str = "\
    UPDATE webhook_endpoints SET failing_since = NULL, warned_at = NULL WHERE id = ?1";

pub(crate) const WARN: &str = "UPDATE webhook_endpoints SET warned_at = ?2 WHERE id = ?1";

// One that has no deliveries counts as deleted so many seconds before, and leaves so much sooner.
pub(crate) const MARK_DELETED: &str = "\
    UPDATE webhook_endpoints SET deleted_at = CASE WHEN EXISTS (\
    SELECT 1 FROM deliveries WHERE endpoint = ?1) THEN ?2 ELSE ?2 - ?3 END \
    WHERE id = ?1 AND status = 'deleted'";

pub(crate) const OF_ACCOUNT: &str = "\
    SELECT id FROM webhook_endpoints INDEXED BY webhook_endpoints_living \
    WHERE account = ?1 AND livemode = ?2 AND status <> 'deleted'";

// Of the latest deliveries, and of what waits up to a bound: an endpoint has as many as its owner has events.
pub(crate) const HEALTH: &str = "\
    SELECT (SELECT MAX(attempted_at) FROM (SELECT attempted_at, state FROM deliveries \
    WHERE endpoint = ?1 ORDER BY event DESC LIMIT ?2) WHERE state = 'succeeded') AS last_succeeded_at, \
    (SELECT MAX(attempted_at) FROM (SELECT attempted_at FROM delivery_attempts \
    WHERE endpoint = ?1 ORDER BY event DESC, number DESC LIMIT ?2)) AS last_failed_at, \
    (SELECT COUNT(*) FROM (SELECT 1 FROM deliveries INDEXED BY deliveries_waiting \
    WHERE endpoint = ?1 AND next_attempt_at IS NOT NULL LIMIT ?3)) + \
    (SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE endpoint = ?1 \
    AND event > (SELECT settled_through FROM webhook_endpoints WHERE id = ?1) \
    AND state = 'pending' AND next_attempt_at IS NULL LIMIT ?3)) AS waiting";

/// Of how many of an endpoint's latest deliveries its health is told.
const LOOKED_AT: i64 = 1_000;

/// How many waiting deliveries are counted; more are as many.
const MOST_COUNTED: i64 = 10_000;

// Unless its owner asked for something particular meanwhile, or it fares badly again.
pub(crate) const SHARE: &str = "\
    UPDATE webhook_endpoints SET is_alone = 0 WHERE id = ?1 AND version = ?2 \
    AND failing_since IS NULL AND slow_since IS NULL";

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

/// Writes what an endpoint's owner sees of it over the version that the change saw, and has it delivered to
/// alone where it asks for that. Its version rises by one, in the row and here.
pub fn update(endpoint: &mut WebhookEndpoint) -> [Statement; 2] {
    let update = Statement::new(
        UPDATE,
        values![
            endpoint.id.as_str(),
            endpoint.version,
            endpoint.url.as_str(),
            endpoint.status.name(),
            endpoint.is_particular(),
            json(&endpoint.details),
        ],
    );
    endpoint.is_alone |= endpoint.is_particular();
    endpoint.version = endpoint.version.saturating_add(1);
    [update, guard::changed_one(VERSION_GUARD)]
}

/// Finds an endpoint, also one that its owner deleted.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

/// Finds endpoints, whosever they are and however they stand.
pub fn find_by_ids(ids: &[&str]) -> Statement {
    Statement::new(FIND_BY_IDS, values![json(&ids)])
}

/// Has a failing endpoint delivered to by its own object, and remembers since when it fails.
pub fn leave_alone(id: &str, now: Timestamp) -> Statement {
    Statement::new(LEAVE_ALONE, values![id, now.seconds()])
}

/// Has a slow endpoint delivered to by its own object, and remembers since when it is slow.
pub fn slow_down(id: &str, now: Timestamp) -> Statement {
    Statement::new(SLOW_DOWN, values![id, now.seconds()])
}

/// An endpoint that was slow took its deliveries soon.
pub fn speed_up(id: &str) -> Statement {
    Statement::new(SPEED_UP, values![id])
}

/// Has the objects of endpoints wait until attempts that are under way have ended, or that moment has come. Those that
/// are slow since some moment are delivered to by nobody else from then on.
pub fn hold(ids: &[&str], slow_since: Option<Timestamp>, until: Timestamp) -> Statement {
    let slow_since = slow_since.map(Timestamp::seconds);
    Statement::new(HOLD, values![json(&ids), slow_since, until.seconds()])
}

/// The attempts that an endpoint's object waits for until that moment have ended.
pub fn release(id: &str, until: Timestamp) -> Statement {
    Statement::new(RELEASE, values![id, until.seconds()])
}

/// An endpoint that was failing took a delivery.
pub fn recover(id: &str) -> Statement {
    Statement::new(RECOVER, values![id])
}

/// The owner of a failing endpoint was warned.
pub fn warn(id: &str, now: Timestamp) -> Statement {
    Statement::new(WARN, values![id, now.seconds()])
}

/// Notes when an endpoint was deleted: so many seconds before, where nothing is known of it that anybody could ask for.
pub fn mark_deleted(id: &str, now: Timestamp, before: i64) -> Statement {
    Statement::new(MARK_DELETED, values![id, now.seconds(), before])
}

/// Finds the ids of an account's endpoints that were not deleted.
pub fn of_account(scope: &Scope) -> Statement {
    Statement::new(OF_ACCOUNT, values![scope.account.as_str(), scope.livemode])
}

/// Finds how an endpoint's deliveries fare.
pub fn health(id: &str) -> Statement {
    Statement::new(HEALTH, values![id, LOOKED_AT, MOST_COUNTED])
}

/// Has an endpoint that is well again, and was not changed since it was read, delivered to by the consumer
/// that others share. What is planned already stays with its object.
pub fn share(endpoint: &WebhookEndpoint) -> Statement {
    Statement::new(SHARE, values![endpoint.id.as_str(), endpoint.version])
}

/// Whose endpoint a row is.
///
/// # Errors
/// When the row cannot be read.
pub fn scope(row: &Row) -> Result<Scope, Inconsistent> {
    Ok(Scope { account: row.named("account")?, livemode: row.flag("livemode")? })
}

impl TryFrom<&Row> for Health {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            last_succeeded_at: row.optional_integer("last_succeeded_at")?.map(Timestamp),
            last_failed_at: row.optional_integer("last_failed_at")?.map(Timestamp),
            waiting: row.integer("waiting")?,
        })
    }
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
            slow_since: row.optional_integer("slow_since")?.map(Timestamp),
            held_until: row.optional_integer("held_until")?.map(Timestamp),
            details: row.json("details")?,
        })
    }
}
