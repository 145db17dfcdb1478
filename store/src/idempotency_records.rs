//! The records of idempotency keys, in the storage of the objects that keep them.

/// What an object keeps them in.
pub const TABLE: &str = "\
    CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, record TEXT NOT NULL, \
    created INTEGER NOT NULL) STRICT, WITHOUT ROWID";

/// What leads to the oldest.
pub const INDEX: &str = "CREATE INDEX IF NOT EXISTS records_by_age ON records (created)";

/// Deletes so many that were made by then, but for those whose request may still run at this moment: its retry would
/// find nothing of it, and pay again.
pub const SWEEP: &str = "\
    DELETE FROM records WHERE key IN (SELECT key FROM records WHERE created <= ? \
    AND record ->> 'lease_until' <= ? ORDER BY created LIMIT ?)";
