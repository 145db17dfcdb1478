//! I3, and the ledger's side of I8: whatever moved, the books balance and agree with the objects.

use kit::Database;
use store::audit::checks;

use super::run;

/// Runs every check of the audit.
pub fn check(database: &Database) {
    for (stage, check) in checks() {
        let found = run(database, &check.whole(stage));
        assert!(found.is_empty(), "{}, but: {found:#?}", check.holds);
    }
}
