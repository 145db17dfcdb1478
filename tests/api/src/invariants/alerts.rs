//! Whatever stands that needs a person is to be told of, and nothing else is.

use kit::Database;

const STANDING: &str = "\
    SELECT 'needs_attention' AS name, id AS subject FROM attempts WHERE attention IS NOT NULL \
    UNION ALL SELECT 'dead_letter', queue || '/' || sequence FROM dead_letters WHERE queue <> 'mail' \
    UNION ALL SELECT 'books_differ', name || ' ' || subject FROM audit_differences \
    UNION ALL SELECT 'connector_webhook_parked', id FROM connector_webhooks WHERE status = 'parked' \
    AND COALESCE(problem, '') NOT IN ('No payment of this name was made here.', \
    'Nothing of this kind, or in this shape, is known here.') \
    UNION ALL SELECT DISTINCT 'settlement_differs', connector_account FROM settlement_breaks WHERE status = 'open'";

const ALERTS: &str = "\
    SELECT name, subject FROM alerts WHERE name NOT IN \
    ('database_full', 'setting_unreadable', 'webhook_secret_unreadable')";

/// Each row that needs a person has its alert, and each alert such a row.
pub(super) fn check(database: &Database) {
    for (these, those) in [(STANDING, ALERTS), (ALERTS, STANDING)] {
        let odd = database
            .query(&format!("SELECT * FROM ({these}) EXCEPT SELECT * FROM ({those})"), vec![]);
        assert!(odd.is_empty(), "alerts: {odd:#?} of {these}");
    }
}
