//! Mail that a developer's machine would have sent.

use domain::timestamp::Timestamp;

use crate::{Statement, values};

pub(crate) const INSERT: &str = "\
    INSERT INTO development_outbox (idempotency_key, created, recipient, subject, html, text) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";

pub(crate) const LATEST: &str = "\
    SELECT idempotency_key, created, recipient, subject, html, text FROM development_outbox \
    WHERE sequence > 0 ORDER BY sequence DESC LIMIT 100";

/// Keeps a mail, unless it is there.
pub fn insert(
    key: &str,
    now: Timestamp,
    recipient: &str,
    subject: &str,
    html: &str,
    text: &str,
) -> Statement {
    Statement::new(INSERT, values![key, now.seconds(), recipient, subject, html, text])
}

/// Finds the latest mails, the newest first.
pub fn latest() -> Statement {
    Statement::new(LATEST, values![])
}
