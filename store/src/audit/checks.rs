//! What has to hold, by what is read for it.
//!
//! `?1` and `?2` are the keys after and up to which rows are read, `?3` is a moment by which work that
//! is put off by failures or by processors is planned at the latest, and `?4` one by whose work is done, failures or not.

use super::moves::{REVERSALS, TOPUPS, TRANSFERS};
use super::{Check, Stage, held};

/// The last of the keys that are texts: of ASCII letters, digits and underscores.
const LAST_TEXT: &str = "~";

/// The last of the keys that are numbers.
pub(super) const LAST_NUMBER: &str = "9007199254740991";

/// Everything that is read, in its order: first what is added up, then what is held against it.
pub const STAGES: &[Stage] = &[
    ENTRIES,
    TRANSACTIONS,
    OWNERS,
    PROCESSORS,
    CHARGES,
    INTENTS,
    REFUNDS,
    DISPUTES,
    PAYOUTS,
    TOPUPS,
    TRANSFERS,
    REVERSALS,
    ATTEMPTS,
];

const ENTRIES: Stage = Stage {
    name: "entries",
    next: "SELECT cause AS place FROM ledger_entries WHERE cause > ?1 ORDER BY cause LIMIT 1 OFFSET ?2",
    last: LAST_TEXT,
    adds: Some(
        "INSERT INTO audit_sums (owner, livemode, currency, kind, amount) \
         SELECT owner, livemode, currency, kind, sum(amount) FROM ledger_entries \
         WHERE cause > ?1 AND cause <= ?2 GROUP BY owner, livemode, currency, kind \
         ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
    ),
    checks: &[
        Check {
            name: "entries_balance",
            holds: "the entries of a transaction sum to zero in each currency",
            sql: "SELECT cause || ' in ' || currency AS subject, 0 AS expected, sum(amount) AS found \
                  FROM ledger_entries WHERE cause > ?1 AND cause <= ?2 \
                  GROUP BY cause, currency, livemode HAVING sum(amount) <> 0",
            whole: None,
        },
        Check {
            name: "entries_are_complete",
            holds: "the legs of a transaction are two or more, numbered without a gap",
            sql: "SELECT cause AS subject, max(2, max(leg) + 1) AS expected, count(*) AS found \
                  FROM ledger_entries WHERE cause > ?1 AND cause <= ?2 \
                  GROUP BY cause HAVING count(*) < max(2, max(leg) + 1)",
            whole: None,
        },
    ],
};

const TRANSACTIONS: Stage = Stage {
    name: "transactions",
    next: "SELECT CAST(sequence AS TEXT) AS place FROM balance_transactions \
           WHERE sequence > CAST(?1 AS INTEGER) ORDER BY sequence LIMIT 1 OFFSET ?2",
    last: LAST_NUMBER,
    adds: Some(
        "INSERT INTO audit_sums (owner, livemode, currency, kind, amount) \
         SELECT account, livemode, currency, '', sum(net) FROM balance_transactions \
         WHERE sequence > CAST(?1 AS INTEGER) AND sequence <= CAST(?2 AS INTEGER) \
         GROUP BY account, livemode, currency \
         ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
    ),
    checks: &[Check {
        name: "transactions_are_posted",
        holds: "a balance transaction changes the balance by what its cause posted",
        sql: "SELECT b.id AS subject, b.net AS expected, coalesce((SELECT -sum(e.amount) \
              FROM ledger_entries AS e WHERE e.cause = b.details ->> 'cause' \
              AND e.owner = b.account AND e.kind IN ('pending', 'available')), 0) AS found \
              FROM balance_transactions AS b \
              WHERE b.sequence > CAST(?1 AS INTEGER) AND b.sequence <= CAST(?2 AS INTEGER) \
              AND expected <> found",
        whole: None,
    }],
};

/// What was added up, and what is open, against what each owner's accounts hold.
const OWNERS: Stage = Stage {
    name: "owners",
    next: "SELECT owner AS place FROM ledger_accounts WHERE owner > ?1 ORDER BY owner LIMIT 1 OFFSET ?2",
    last: LAST_TEXT,
    adds: None,
    checks: &[
        Check {
            name: "balances_are_their_entries",
            holds: "an account holds the sum of its entries",
            sql: "SELECT owner || ' ' || kind || ' ' || currency AS subject, sum(entries) AS expected, \
                  sum(balance) AS found FROM (\
                  SELECT owner, livemode, currency, kind, amount AS entries, 0 AS balance FROM audit_sums \
                  WHERE owner > ?1 AND owner <= ?2 AND kind <> '' UNION ALL \
                  SELECT owner, livemode, currency, kind, 0, balance FROM ledger_accounts \
                  WHERE owner > ?1 AND owner <= ?2) \
                  GROUP BY owner, livemode, currency, kind HAVING sum(entries) <> sum(balance)",
            // Day by day, which would take too many sums to keep.
            whole: Some(
                "SELECT coalesce(e.owner, a.owner) || ' ' || coalesce(e.kind, a.kind) || ' ' || \
                 coalesce(e.currency, a.currency) || ' of day ' || coalesce(e.day, a.day) AS subject, \
                 coalesce(e.sum, 0) AS expected, coalesce(a.balance, 0) AS found FROM \
                 (SELECT owner, livemode, currency, kind, day, sum(amount) AS sum FROM ledger_entries \
                  GROUP BY owner, livemode, currency, kind, day) AS e \
                 FULL JOIN ledger_accounts AS a ON a.owner = e.owner AND a.livemode = e.livemode \
                 AND a.currency = e.currency AND a.kind = e.kind AND a.day = e.day \
                 WHERE coalesce(e.sum, 0) <> coalesce(a.balance, 0)",
            ),
        },
        held::DUE,
        Check {
            name: "merchants_are_owed_their_transactions",
            holds: "the books owe a merchant what its balance transactions add up to",
            sql: "SELECT owner || ' in ' || currency AS subject, sum(net) AS expected, \
                  sum(owed) AS found FROM (\
                  SELECT owner, livemode, currency, amount AS net, 0 AS owed FROM audit_sums \
                  WHERE owner > ?1 AND owner <= ?2 AND kind = '' UNION ALL \
                  SELECT owner, livemode, currency, 0, -balance FROM ledger_accounts \
                  WHERE owner > ?1 AND owner <= ?2 AND kind IN ('pending', 'available')) \
                  GROUP BY owner, livemode, currency HAVING sum(net) <> sum(owed)",
            whole: Some(
                "SELECT owner || ' in ' || currency AS subject, sum(net) AS expected, \
                 sum(owed) AS found FROM (\
                 SELECT account AS owner, livemode, currency, net, 0 AS owed \
                 FROM balance_transactions UNION ALL \
                 SELECT owner, livemode, currency, 0, -balance FROM ledger_accounts \
                 WHERE kind IN ('pending', 'available')) \
                 GROUP BY owner, livemode, currency HAVING sum(net) <> sum(owed)",
            ),
        },
        Check {
            name: "holds_are_what_charges_hold",
            holds: "the books hold for a merchant what its charges do",
            sql: "SELECT owner || ' in ' || currency AS subject, sum(open) AS expected, \
                  sum(held) AS found FROM (\
                  SELECT account AS owner, livemode, currency, amount - captured - released AS open, \
                  0 AS held FROM charges INDEXED BY charges_by_hold WHERE account > ?1 AND account <= ?2 \
                  AND status = 'succeeded' AND amount > captured + released UNION ALL \
                  SELECT owner, livemode, currency, 0, -balance FROM ledger_accounts \
                  WHERE owner > ?1 AND owner <= ?2 AND kind = 'authorized_funds') \
                  GROUP BY owner, livemode, currency HAVING sum(open) <> sum(held)",
            whole: None,
        },
        Check {
            name: "open_chargebacks_are_held_back",
            holds: "the books hold back from a merchant what its open chargebacks are about",
            sql: "SELECT owner || ' in ' || currency AS subject, sum(open) AS expected, \
                  sum(held) AS found FROM (\
                  SELECT account AS owner, livemode, currency, amount AS open, 0 AS held \
                  FROM disputes INDEXED BY disputes_by_withheld WHERE account > ?1 AND account <= ?2 \
                  AND status IN ('needs_response', 'under_review') UNION ALL \
                  SELECT owner, livemode, currency, 0, -balance FROM ledger_accounts \
                  WHERE owner > ?1 AND owner <= ?2 AND kind = 'dispute_reserve') \
                  GROUP BY owner, livemode, currency HAVING sum(open) <> sum(held)",
            whole: None,
        },
        Check {
            name: "open_payouts_are_in_transit",
            holds: "the books have in transit what open payouts are about",
            sql: "SELECT owner || ' in ' || currency AS subject, sum(open) AS expected, \
                  sum(held) AS found FROM (\
                  SELECT account AS owner, livemode, currency, amount AS open, 0 AS held \
                  FROM payouts INDEXED BY payouts_by_transit WHERE account > ?1 AND account <= ?2 \
                  AND status IN ('pending', 'in_transit') UNION ALL \
                  SELECT owner, livemode, currency, 0, -balance FROM ledger_accounts \
                  WHERE owner > ?1 AND owner <= ?2 AND kind = 'payouts_in_transit') \
                  GROUP BY owner, livemode, currency HAVING sum(open) <> sum(held)",
            whole: None,
        },
    ],
};

/// What is open of all merchants, which is read at once: the names of processors come after the ids of
/// merchants.
const PROCESSORS: Stage = Stage {
    name: "processors",
    next: "SELECT '' AS place WHERE ?1 <> ?1 AND ?2 <> ?2",
    last: LAST_TEXT,
    adds: None,
    checks: &[Check {
        name: "processors_took_back_what_is_disputed",
        holds: "processors took back what open chargebacks are about",
        sql: "SELECT currency AS subject, sum(open) AS expected, sum(taken) AS found FROM (\
              SELECT livemode, currency, amount AS open, 0 AS taken \
              FROM disputes INDEXED BY disputes_by_withheld WHERE account > ?1 AND account <= ?2 \
              AND status IN ('needs_response', 'under_review') UNION ALL \
              SELECT livemode, currency, 0, balance FROM ledger_accounts \
              WHERE owner > 'acct_~' AND kind = 'disputed_funds') \
              GROUP BY livemode, currency HAVING sum(open) <> sum(taken)",
        whole: None,
    }],
};

const CHARGES: Stage = Stage {
    name: "charges",
    next: "SELECT CAST(sequence AS TEXT) AS place FROM charges \
           WHERE sequence > CAST(?1 AS INTEGER) ORDER BY sequence LIMIT 1 OFFSET ?2",
    last: LAST_NUMBER,
    adds: None,
    checks: &[
        Check {
            name: "charges_are_booked_as_captured",
            holds: "a charge's balance transactions add up to what was captured of it",
            sql: "SELECT c.id AS subject, c.captured AS expected, coalesce(sum(b.amount), 0) AS found \
                  FROM charges AS c LEFT JOIN balance_transactions AS b ON b.source = c.id \
                  WHERE c.sequence > CAST(?1 AS INTEGER) AND c.sequence <= CAST(?2 AS INTEGER) \
                  GROUP BY c.sequence HAVING c.captured <> coalesce(sum(b.amount), 0)",
            whole: None,
        },
        Check {
            name: "charges_count_their_refunds",
            holds: "a charge counts as refunded what its refunds give back, and that is no more than it took",
            sql: "SELECT c.id AS subject, min(coalesce(sum(r.amount), 0), c.captured) AS expected, \
                  c.refunded AS found FROM charges AS c LEFT JOIN refunds AS r ON r.charge = c.id \
                  AND r.status NOT IN ('failed', 'canceled') AND c.captured > 0 \
                  WHERE c.sequence > CAST(?1 AS INTEGER) AND c.sequence <= CAST(?2 AS INTEGER) \
                  GROUP BY c.sequence HAVING expected <> found",
            whole: None,
        },
        Check {
            name: "charges_are_within_what_was_authorized",
            holds: "what was captured and let go of is no more than what was authorized",
            sql: "SELECT id AS subject, amount AS expected, captured + released AS found FROM charges \
                  WHERE sequence > CAST(?1 AS INTEGER) AND sequence <= CAST(?2 AS INTEGER) \
                  AND (captured + released > amount OR captured < 0 OR released < 0)",
            whole: None,
        },
        held::CHARGES,
        Check {
            name: "held_money_expires",
            holds: "money that a charge holds is planned to be let go of",
            sql: "SELECT c.id AS subject, 1 AS expected, 0 AS found FROM charges AS c \
                  WHERE c.sequence > CAST(?1 AS INTEGER) AND c.sequence <= CAST(?2 AS INTEGER) \
                  AND c.status = 'succeeded' AND c.amount > c.captured + c.released \
                  AND NOT EXISTS (SELECT 1 FROM scheduled_tasks AS t \
                  WHERE t.due_at = c.details ->> 'capture_before' AND t.kind = 'expire_authorization' \
                  AND t.subject = c.id) \
                  AND NOT EXISTS (SELECT 1 FROM scheduled_tasks AS t WHERE t.due_at <= ?3 \
                  AND t.kind = 'expire_authorization' AND t.subject = c.id)",
            whole: None,
        },
    ],
};

const INTENTS: Stage = Stage {
    name: "payment_intents",
    next: "SELECT CAST(sequence AS TEXT) AS place FROM payment_intents \
           WHERE sequence > CAST(?1 AS INTEGER) ORDER BY sequence LIMIT 1 OFFSET ?2",
    last: LAST_NUMBER,
    adds: None,
    checks: &[
        Check {
            name: "intents_are_charged_once",
            holds: "a payment intent has at most one successful charge",
            sql: "SELECT i.id AS subject, 1 AS expected, count(c.id) AS found \
                  FROM payment_intents AS i LEFT JOIN charges AS c ON c.payment_intent = i.id \
                  AND c.status = 'succeeded' \
                  WHERE i.sequence > CAST(?1 AS INTEGER) AND i.sequence <= CAST(?2 AS INTEGER) \
                  GROUP BY i.sequence HAVING count(c.id) > 1",
            whole: None,
        },
        Check {
            name: "intents_received_what_was_captured",
            holds: "a payment intent received what was captured of its charge",
            sql: "SELECT i.id AS subject, coalesce(sum(c.captured), 0) AS expected, i.received AS found \
                  FROM payment_intents AS i LEFT JOIN charges AS c ON c.payment_intent = i.id \
                  AND c.status = 'succeeded' \
                  WHERE i.sequence > CAST(?1 AS INTEGER) AND i.sequence <= CAST(?2 AS INTEGER) \
                  GROUP BY i.sequence HAVING expected <> found",
            whole: None,
        },
        held::CAPTURABLE,
        held::INTENTS,
    ],
};

const REFUNDS: Stage = Stage {
    name: "refunds",
    next: "SELECT CAST(sequence AS TEXT) AS place FROM refunds \
           WHERE sequence > CAST(?1 AS INTEGER) ORDER BY sequence LIMIT 1 OFFSET ?2",
    last: LAST_NUMBER,
    adds: None,
    checks: &[
        // What a refund of a charge without an intent lets go of was never taken, so that it is not booked.
        Check {
            name: "refunds_are_booked_as_they_stand",
            holds: "a refund's balance transactions add up to what went back",
            sql: "SELECT r.id AS subject, \
                  iif(r.status IN ('failed', 'canceled') OR r.pending_operation IS NOT NULL, 0, r.amount) \
                  AS expected, -coalesce(sum(b.amount), 0) AS found FROM refunds AS r \
                  JOIN charges AS c ON c.id = r.charge \
                  LEFT JOIN balance_transactions AS b ON b.source = r.id \
                  WHERE r.sequence > CAST(?1 AS INTEGER) AND r.sequence <= CAST(?2 AS INTEGER) \
                  AND c.captured > 0 GROUP BY r.sequence HAVING expected <> found",
            whole: None,
        },
        held::REFUNDS,
        Check {
            name: "pending_refunds_are_looked_at",
            holds: "a refund that is on its way is planned to be brought to its end",
            sql: "SELECT r.id AS subject, 1 AS expected, 0 AS found FROM refunds AS r \
                  WHERE r.sequence > CAST(?1 AS INTEGER) AND r.sequence <= CAST(?2 AS INTEGER) \
                  AND r.status = 'pending' AND r.pending_operation IS NULL \
                  AND NOT EXISTS (SELECT 1 FROM scheduled_tasks AS t WHERE t.due_at <= ?3 \
                  AND t.kind = 'settle_refund' AND t.subject = r.id)",
            whole: None,
        },
    ],
};

const DISPUTES: Stage = Stage {
    name: "disputes",
    next: "SELECT CAST(sequence AS TEXT) AS place FROM disputes \
           WHERE sequence > CAST(?1 AS INTEGER) ORDER BY sequence LIMIT 1 OFFSET ?2",
    last: LAST_NUMBER,
    adds: None,
    checks: &[
        Check {
            name: "disputes_are_booked_as_they_stand",
            holds: "a dispute's balance transactions add up to what it takes from the merchant",
            sql: "SELECT d.id AS subject, \
                  iif(d.status IN ('needs_response', 'under_review', 'lost'), d.amount, 0) AS expected, \
                  -coalesce(sum(b.amount), 0) AS found FROM disputes AS d \
                  LEFT JOIN balance_transactions AS b ON b.source = d.id \
                  WHERE d.sequence > CAST(?1 AS INTEGER) AND d.sequence <= CAST(?2 AS INTEGER) \
                  GROUP BY d.sequence HAVING expected <> found",
            whole: None,
        },
        Check {
            name: "open_disputes_are_decided",
            holds: "a dispute that is open, and not kept at a processor, is planned to be acted on",
            sql: "SELECT d.id AS subject, 1 AS expected, 0 AS found FROM disputes AS d \
                  WHERE d.sequence > CAST(?1 AS INTEGER) AND d.sequence <= CAST(?2 AS INTEGER) \
                  AND d.status NOT IN ('won', 'lost', 'warning_closed') \
                  AND d.details ->> 'processor_reference' IS NULL \
                  AND NOT EXISTS (SELECT 1 FROM scheduled_tasks AS t WHERE t.due_at = d.details \
                  ->> 'acts_at' AND t.kind = 'settle_dispute' AND t.subject = d.id) \
                  AND NOT EXISTS (SELECT 1 FROM scheduled_tasks AS t WHERE t.due_at <= ?3 \
                  AND t.kind = 'settle_dispute' AND t.subject = d.id)",
            whole: None,
        },
    ],
};

const PAYOUTS: Stage = Stage {
    name: "payouts",
    next: "SELECT CAST(sequence AS TEXT) AS place FROM payouts \
           WHERE sequence > CAST(?1 AS INTEGER) ORDER BY sequence LIMIT 1 OFFSET ?2",
    last: LAST_NUMBER,
    adds: None,
    checks: &[
        Check {
            name: "payouts_are_booked_as_they_stand",
            holds: "a payout's balance transactions add up to what left the balance",
            sql: "SELECT p.id AS subject, iif(p.status IN ('failed', 'canceled'), 0, p.amount) \
                  AS expected, -coalesce(sum(b.amount), 0) AS found FROM payouts AS p \
                  LEFT JOIN balance_transactions AS b ON b.source = p.id \
                  WHERE p.sequence > CAST(?1 AS INTEGER) AND p.sequence <= CAST(?2 AS INTEGER) \
                  GROUP BY p.sequence HAVING expected <> found",
            whole: None,
        },
        // The bank is told the day before, or a moment before where it is fast.
        Check {
            name: "open_payouts_arrive",
            holds: "a payout that is open is planned to be brought to its next state",
            sql: "SELECT p.id AS subject, 1 AS expected, 0 AS found FROM payouts AS p \
                  WHERE p.sequence > CAST(?1 AS INTEGER) AND p.sequence <= CAST(?2 AS INTEGER) \
                  AND p.status IN ('pending', 'in_transit') \
                  AND NOT EXISTS (SELECT 1 FROM scheduled_tasks AS t \
                  WHERE t.due_at IN (p.arrival_date, p.arrival_date - 86400) \
                  AND t.kind = 'advance_payout' AND t.subject = p.id) \
                  AND NOT EXISTS (SELECT 1 FROM scheduled_tasks AS t WHERE t.due_at <= ?3 \
                  AND t.kind = 'advance_payout' AND t.subject = p.id)",
            whole: None,
        },
    ],
};

const ATTEMPTS: Stage = Stage {
    name: "attempts",
    next: "SELECT id AS place FROM attempts WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?2",
    last: LAST_TEXT,
    adds: None,
    checks: &[Check {
        name: "open_attempts_are_looked_at",
        holds: "an attempt whose outcome is open is planned to be looked at",
        sql: "SELECT a.id AS subject, 1 AS expected, 0 AS found FROM attempts AS a \
              WHERE a.id > ?1 AND a.id <= ?2 AND (a.state = 'started' \
              OR a.state = 'requires_action' AND a.connector_account IS NOT NULL) \
              AND NOT EXISTS (SELECT 1 FROM scheduled_tasks AS t WHERE t.due_at <= ?3 AND t.kind = 'recover_attempt' AND t.subject = a.id)",
        whole: None,
    }],
};
