//! The archive: events that are old leave the database with what is known of their deliveries.

use domain::timestamp::Timestamp;

use crate::{Statement, values};

/// The guard that a delivery which came or was planned meanwhile fails, and whoever comes after another did it.
pub const UNCHANGED_GUARD: &str = "archive_unchanged";

// What is not handed out or has no receipt yet stays, and so does the newest event: the next one's sequence follows it.
pub(crate) const NEXT: &str = "\
    SELECT sequence, CASE WHEN created < ?2 THEN LENGTH(data) + 1000 + (SELECT COALESCE(SUM(COALESCE(LENGTH(response), 0) \
    + 500), 0) FROM deliveries WHERE endpoint IN (SELECT id FROM webhook_endpoints \
    WHERE account = events.account AND livemode = events.livemode) AND event = sequence) + \
    (SELECT COALESCE(SUM(COALESCE(LENGTH(response), 0) + 300), 0) FROM delivery_attempts \
    WHERE endpoint IN (SELECT id FROM webhook_endpoints \
    WHERE account = events.account AND livemode = events.livemode) AND event = sequence) END AS size \
    FROM events WHERE sequence <= (SELECT MIN(event, receipt_event) FROM fan_out WHERE id = 1 \
    AND (SELECT created FROM events WHERE sequence >= 0 ORDER BY sequence LIMIT 1) < ?2) \
    AND sequence < (SELECT MAX(sequence) FROM events) \
    ORDER BY sequence LIMIT ?1";

pub(crate) const EVENTS: &str =
    "SELECT * FROM events WHERE sequence BETWEEN ?1 AND ?2 ORDER BY sequence";

pub(crate) const GIVE_UP: &str = "\
    UPDATE deliveries SET state = 'failed', next_attempt_at = NULL, problem = ?4, \
    attempted_at = COALESCE(attempted_at, ?5) WHERE endpoint IN (SELECT id FROM webhook_endpoints \
    WHERE (account, livemode) IN (\
    SELECT account, livemode FROM events WHERE sequence BETWEEN ?1 AND ?2)) \
    AND event IN (SELECT sequence FROM events WHERE sequence BETWEEN ?1 AND ?2 AND created < ?3) \
    AND state = 'pending'";

pub(crate) const DELIVERIES: &str = "\
    SELECT * FROM deliveries WHERE endpoint IN (SELECT id FROM webhook_endpoints \
    WHERE (account, livemode) IN (\
    SELECT account, livemode FROM events WHERE sequence BETWEEN ?1 AND ?2)) \
    AND event BETWEEN ?1 AND ?2";

pub(crate) const ATTEMPTS: &str = "\
    SELECT * FROM delivery_attempts WHERE endpoint IN (SELECT id FROM webhook_endpoints \
    WHERE (account, livemode) IN (\
    SELECT account, livemode FROM events WHERE sequence BETWEEN ?1 AND ?2)) \
    AND event BETWEEN ?1 AND ?2";

pub(crate) const MUST_BE_UNCHANGED: &str = "\
    INSERT INTO guard SELECT COUNT(*) = ?3 AND NOT COALESCE(MAX(state = 'pending'), 0) \
    AND (SELECT COUNT(*) FROM events WHERE sequence BETWEEN ?1 AND ?2) = ?4, ?5 \
    FROM deliveries WHERE endpoint IN (SELECT id FROM webhook_endpoints \
    WHERE (account, livemode) IN (\
    SELECT account, livemode FROM events WHERE sequence BETWEEN ?1 AND ?2)) \
    AND event BETWEEN ?1 AND ?2";

pub(crate) const DELETE_ATTEMPTS: &str = "\
    DELETE FROM delivery_attempts WHERE endpoint IN (SELECT id FROM webhook_endpoints \
    WHERE (account, livemode) IN (\
    SELECT account, livemode FROM events WHERE sequence BETWEEN ?1 AND ?2)) \
    AND event BETWEEN ?1 AND ?2";

pub(crate) const DELETE_DELIVERIES: &str = "\
    DELETE FROM deliveries WHERE endpoint IN (SELECT id FROM webhook_endpoints \
    WHERE (account, livemode) IN (\
    SELECT account, livemode FROM events WHERE sequence BETWEEN ?1 AND ?2)) \
    AND event BETWEEN ?1 AND ?2";

pub(crate) const DELETE_EVENTS: &str = "DELETE FROM events WHERE sequence BETWEEN ?1 AND ?2";

// In the order in which they were deleted, so that few are passed which still have deliveries.
pub(crate) const FORGET_ENDPOINTS: &str = "\
    DELETE FROM webhook_endpoints WHERE sequence IN (\
    SELECT sequence FROM webhook_endpoints INDEXED BY webhook_endpoints_deleted \
    WHERE status = 'deleted' AND COALESCE(deleted_at, created) < ?1 \
    ORDER BY COALESCE(deleted_at, created) LIMIT ?2) \
    AND NOT EXISTS (SELECT 1 FROM deliveries WHERE endpoint = webhook_endpoints.id) \
    AND NOT EXISTS (SELECT 1 FROM delivery_attempts WHERE endpoint = webhook_endpoints.id)";

pub(crate) const FORGET_REPLAYS: &str = "\
    DELETE FROM event_replays WHERE sequence IN (\
    SELECT sequence FROM event_replays WHERE sequence >= 0 ORDER BY sequence LIMIT ?2) \
    AND created < ?1 AND status <> 'pending'";

/// Removes, at most so many of each, the endpoints that were deleted before a moment and have no deliveries
/// left, and the replays that were made before it.
pub fn forget(before: Timestamp, most: i64) -> [Statement; 2] {
    [FORGET_ENDPOINTS, FORGET_REPLAYS]
        .map(|sql| Statement::new(sql, values![before.seconds(), most]))
}

/// Finds the oldest events that may go: their sequence, and about how many characters there
/// are of each that was made before a moment (column `size`; none of the others). Nothing unless the first of
/// all was.
pub fn next(before: Timestamp, most: i64) -> Statement {
    Statement::new(NEXT, values![most, before.seconds()])
}

/// Finds events with their deliveries, by the first and the last of them, and the attempts that failed. What is
/// still on its way of those made before a moment is ended first, by now.
pub fn read(
    (first, last): (i64, i64),
    before: Timestamp,
    because: &str,
    now: Timestamp,
) -> Vec<Statement> {
    let values = values![first, last, before.seconds(), because, now.seconds()];
    let give_up = Statement::new(GIVE_UP, values);
    let read = [EVENTS, DELIVERIES, ATTEMPTS].map(|sql| Statement::new(sql, values![first, last]));
    std::iter::once(give_up).chain(read).collect()
}

/// Removes so many events with their deliveries, of which there must be so many, none of them on its way.
pub fn remove(first: i64, last: i64, events: i64, deliveries: i64) -> Vec<Statement> {
    let values = values![first, last, deliveries, events, UNCHANGED_GUARD];
    let guard = Statement::new(MUST_BE_UNCHANGED, values);
    let deletions = [DELETE_ATTEMPTS, DELETE_DELIVERIES, DELETE_EVENTS]
        .map(|sql| Statement::new(sql, values![first, last]));
    std::iter::once(guard).chain(deletions).collect()
}
