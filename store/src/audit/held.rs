//! What has to hold of objects that an operation holds while a processor is asked.

use super::Check;

/// An intent that nobody goes on with would be locked for ever.
pub(super) const INTENTS: Check = Check {
    name: "operations_have_an_open_attempt",
    holds: "what holds a payment intent is an attempt whose outcome is open",
    sql: "SELECT i.id AS subject, 1 AS expected, 0 AS found FROM payment_intents AS i \
          LEFT JOIN attempts AS a ON a.id = i.pending_operation \
          WHERE i.sequence > CAST(?1 AS INTEGER) AND i.sequence <= CAST(?2 AS INTEGER) \
          AND i.pending_operation IS NOT NULL \
          AND coalesce(a.state, '') NOT IN ('started', 'requires_action', 'processing')",
    whole: None,
};

/// The same of a charge without an intent.
pub(super) const CHARGES: Check = Check {
    name: "charges_held_have_an_open_attempt",
    holds: "what holds a charge is an attempt whose outcome is open",
    sql: "SELECT c.id AS subject, 1 AS expected, 0 AS found FROM charges AS c \
          LEFT JOIN attempts AS a ON a.id = c.details ->> 'pending_operation' \
          WHERE c.sequence > CAST(?1 AS INTEGER) AND c.sequence <= CAST(?2 AS INTEGER) \
          AND c.details ->> 'pending_operation' IS NOT NULL \
          AND coalesce(a.state, '') NOT IN ('started', 'requires_action', 'processing')",
    whole: None,
};

/// The same of a refund.
pub(super) const REFUNDS: Check = Check {
    name: "refunds_held_have_an_open_attempt",
    holds: "what holds a refund is an attempt whose outcome is open",
    sql: "SELECT r.id AS subject, 1 AS expected, 0 AS found FROM refunds AS r \
          LEFT JOIN attempts AS a ON a.id = r.pending_operation \
          WHERE r.sequence > CAST(?1 AS INTEGER) AND r.sequence <= CAST(?2 AS INTEGER) \
          AND r.pending_operation IS NOT NULL \
          AND coalesce(a.state, '') NOT IN ('started', 'requires_action', 'processing')",
    whole: None,
};

/// What an intent says of its charge.
pub(super) const CAPTURABLE: Check = Check {
    name: "intents_can_capture_what_is_held",
    holds: "a payment intent can capture what its charge holds",
    sql: "SELECT i.id AS subject, coalesce(sum(c.amount - c.captured - c.released), 0) AS expected, \
          i.capturable AS found FROM payment_intents AS i LEFT JOIN charges AS c \
          ON c.payment_intent = i.id AND c.status = 'succeeded' \
          WHERE i.sequence > CAST(?1 AS INTEGER) AND i.sequence <= CAST(?2 AS INTEGER) \
          GROUP BY i.sequence HAVING expected <> found",
    whole: None,
};

/// Money that nobody can move would stay where it is, and all that comes to it. What is available at once comes
/// to a day until it ends, and is moved a moment later.
pub(super) const DUE: Check = Check {
    name: "money_that_is_due_is_moved",
    holds: "what became available is available in the books, and what the simulator settled is off them",
    // When others settle, their reports say: reconciliation looks after them. As much of it as JSON holds, where it is more.
    sql: "SELECT owner || ' ' || kind || ' ' || currency || ' of day ' || day AS subject, \
          0 AS expected, max(-9007199254740991, min(9007199254740991, balance)) AS found \
          FROM ledger_accounts WHERE owner > ?1 AND owner <= ?2 \
          AND (kind = 'pending' OR kind = 'clearing' AND owner = 'simulator') AND balance <> 0 AND (day + 1) * 86400 <= ?4",
    whole: None,
};
