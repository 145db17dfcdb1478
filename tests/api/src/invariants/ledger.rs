//! I3, and the ledger's side of I8: whatever moved, the books balance and agree with the objects.

use kit::Database;
use store::audit::CHECKS;

use super::run;

/// Runs every check of the audit.
pub fn check(database: &Database) {
    for check in CHECKS {
        let found = run(database, check.sql);
        assert!(found.is_empty(), "{}, but: {found:#?}", check.holds);
    }
}
