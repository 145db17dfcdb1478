//! I3, and the ledger's side of I8: whatever moved, the books balance and agree with the objects.

use std::collections::BTreeSet;

use kit::Database;
use store::Row;
use store::audit::checks;

use super::{number, run, text};

/// Runs every check of the audit. At a moment in the middle of things, none of what is due must be done yet.
pub fn check(database: &Database, events: &[Row]) {
    audit(database, 0);
    money_that_became_available_is_told_of(database, events);
}

/// Runs every check of the audit at a moment of the clock.
pub fn audit(database: &Database, now: i64) {
    for (stage, check) in checks() {
        let found = run(database, &check.whole(stage, &now.to_string()));
        assert!(found.is_empty(), "{}, but: {found:#?}", check.holds);
    }
}

/// I6: each time that some of a merchant's money became available, the merchant is told once.
fn money_that_became_available_is_told_of(database: &Database, events: &[Row]) {
    let matured = "SELECT DISTINCT owner AS account, livemode, cause FROM ledger_entries \
                   WHERE kind = 'available' AND amount < 0 AND cause LIKE 'matured:%'";
    let mut runs = BTreeSet::new();
    for row in run(database, matured) {
        // All that one run moved ends in the same words.
        let ending = text(&row, "cause").rsplit(':').next().map(str::to_owned);
        runs.insert((text(&row, "account"), number(&row, "livemode"), ending));
    }
    let mut expected: Vec<_> = runs.into_iter().map(|(account, mode, _)| (account, mode)).collect();
    let mut told: Vec<_> = events
        .iter()
        .filter(|row| text(row, "type") == "balance.available")
        .map(|row| (text(row, "account"), number(row, "livemode")))
        .collect();
    expected.sort();
    told.sort();
    assert_eq!(told, expected, "I6: who was told of money that became available");
}
