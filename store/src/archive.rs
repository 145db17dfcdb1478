//! The archive: events that are old leave the database with what is known of their deliveries.

use crate::{Statement, values};

/// The guard that a delivery which came or was planned meanwhile fails.
pub const UNCHANGED_GUARD: &str = "archive_unchanged";

// What is not handed out or has no receipt yet stays, and so does the newest event: the next one's sequence follows it.
pub(crate) const NEXT: &str = "\
    SELECT * FROM events WHERE sequence <= (\
    SELECT MIN(event, receipt_event) FROM fan_out WHERE id = 1) \
    AND sequence < (SELECT MAX(sequence) FROM events) \
    AND (SELECT created FROM events WHERE sequence >= 0 ORDER BY sequence LIMIT 1) < ?2 \
    ORDER BY sequence LIMIT ?1";

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
    INSERT INTO guard SELECT COUNT(*) = ?3 AND NOT COALESCE(MAX(state = 'pending'), 0), ?4 \
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

/// Finds the oldest events that may go, whatever their age; none unless the first of all was created before
/// that time, in seconds since the epoch.
pub fn next(most: i64, before: i64) -> Statement {
    Statement::new(NEXT, values![most, before])
}

/// Finds the deliveries of events, by the first and the last of them, and the attempts that failed.
pub fn deliveries(first: i64, last: i64) -> [Statement; 2] {
    [DELIVERIES, ATTEMPTS].map(|sql| Statement::new(sql, values![first, last]))
}

/// Removes events with their deliveries, of which there must be so many, none of them on its way.
pub fn remove(first: i64, last: i64, deliveries: i64) -> Vec<Statement> {
    let guard =
        Statement::new(MUST_BE_UNCHANGED, values![first, last, deliveries, UNCHANGED_GUARD]);
    let deletions = [DELETE_ATTEMPTS, DELETE_DELIVERIES, DELETE_EVENTS]
        .map(|sql| Statement::new(sql, values![first, last]));
    std::iter::once(guard).chain(deletions).collect()
}
