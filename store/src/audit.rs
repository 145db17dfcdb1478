//! The audit: what has to hold between the entries, the balances and the objects, recomputed from all of
//! them.
//!
//! One list of checks serves the tests, `cargo xtask audit` and whoever else asks. Each is a statement
//! that finds what breaks it, as rows of `subject`, `expected` and `found`; no rows, and it holds. They
//! read whole tables, so that they are no part of any request.

/// Something that has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name, as `entries_balance`.
    pub name: &'static str,
    /// What holds, for people.
    pub holds: &'static str,
    /// Finds what breaks it.
    pub sql: &'static str,
}

/// Everything that has to hold.
pub const CHECKS: &[Check] = &[
    Check {
        name: "entries_balance",
        holds: "the entries of a transaction sum to zero in each currency",
        sql: "SELECT cause || ' in ' || currency AS subject, 0 AS expected, sum(amount) AS found \
              FROM ledger_entries GROUP BY cause, currency, livemode HAVING sum(amount) <> 0",
    },
    Check {
        name: "entries_are_complete",
        holds: "the legs of a transaction are two or more, numbered without a gap",
        sql: "SELECT cause AS subject, max(2, max(leg) + 1) AS expected, count(*) AS found \
              FROM ledger_entries GROUP BY cause HAVING count(*) < max(2, max(leg) + 1)",
    },
    Check {
        name: "balances_are_their_entries",
        holds: "an account holds the sum of its entries",
        sql: "SELECT coalesce(e.owner, a.owner) || ' ' || coalesce(e.kind, a.kind) || ' ' || \
              coalesce(e.currency, a.currency) || ' of day ' || coalesce(e.day, a.day) AS subject, \
              coalesce(e.sum, 0) AS expected, coalesce(a.balance, 0) AS found FROM \
              (SELECT owner, livemode, currency, kind, day, sum(amount) AS sum FROM ledger_entries \
               GROUP BY owner, livemode, currency, kind, day) AS e \
              FULL JOIN ledger_accounts AS a ON a.owner = e.owner AND a.livemode = e.livemode \
              AND a.currency = e.currency AND a.kind = e.kind AND a.day = e.day \
              WHERE coalesce(e.sum, 0) <> coalesce(a.balance, 0)",
    },
    Check {
        name: "merchants_are_owed_their_transactions",
        holds: "the books owe a merchant what its balance transactions add up to",
        sql: "SELECT coalesce(b.owner, e.owner) || ' in ' || coalesce(b.currency, e.currency) \
              AS subject, coalesce(b.sum, 0) AS expected, coalesce(e.sum, 0) AS found FROM \
              (SELECT account AS owner, livemode, currency, sum(net) AS sum \
               FROM balance_transactions GROUP BY account, livemode, currency) AS b \
              FULL JOIN (SELECT owner, livemode, currency, -sum(amount) AS sum FROM ledger_entries \
               WHERE kind IN ('pending', 'available') GROUP BY owner, livemode, currency) AS e \
              ON e.owner = b.owner AND e.livemode = b.livemode AND e.currency = b.currency \
              WHERE coalesce(b.sum, 0) <> coalesce(e.sum, 0)",
    },
    Check {
        name: "transactions_are_posted",
        holds: "a balance transaction changes the balance by what its cause posted",
        sql: "SELECT b.id AS subject, b.net AS expected, coalesce((SELECT -sum(e.amount) \
              FROM ledger_entries AS e WHERE e.cause = b.details ->> 'cause' \
              AND e.owner = b.account AND e.kind IN ('pending', 'available')), 0) AS found \
              FROM balance_transactions AS b WHERE expected <> found",
    },
    Check {
        name: "holds_are_what_charges_hold",
        holds: "the books hold for a merchant what its charges do",
        sql: "SELECT coalesce(c.owner, e.owner) || ' in ' || coalesce(c.currency, e.currency) \
              AS subject, coalesce(c.sum, 0) AS expected, coalesce(e.sum, 0) AS found FROM \
              (SELECT account AS owner, livemode, currency, sum(amount - captured - released) AS sum \
               FROM charges WHERE status = 'succeeded' GROUP BY account, livemode, currency) AS c \
              FULL JOIN (SELECT owner, livemode, currency, -sum(amount) AS sum FROM ledger_entries \
               WHERE kind = 'authorized_funds' GROUP BY owner, livemode, currency) AS e \
              ON e.owner = c.owner AND e.livemode = c.livemode AND e.currency = c.currency \
              WHERE coalesce(c.sum, 0) <> coalesce(e.sum, 0)",
    },
    Check {
        name: "charges_are_booked_as_captured",
        holds: "a charge's balance transactions add up to what was captured of it",
        sql: "SELECT c.id AS subject, c.captured AS expected, coalesce(sum(b.amount), 0) AS found \
              FROM charges AS c LEFT JOIN balance_transactions AS b ON b.source = c.id \
              GROUP BY c.id HAVING c.captured <> coalesce(sum(b.amount), 0)",
    },
    // What a refund of a charge without an intent lets go of was never taken, so that it is not booked.
    Check {
        name: "refunds_are_booked_as_they_stand",
        holds: "a refund's balance transactions add up to what went back",
        sql: "SELECT r.id AS subject, \
              iif(r.status IN ('failed', 'canceled') OR r.pending_operation IS NOT NULL, 0, r.amount) \
              AS expected, -coalesce(sum(b.amount), 0) AS found FROM refunds AS r \
              JOIN charges AS c ON c.id = r.charge \
              LEFT JOIN balance_transactions AS b ON b.source = r.id \
              WHERE c.captured > 0 GROUP BY r.id HAVING expected <> found",
    },
    Check {
        name: "charges_count_their_refunds",
        holds: "a charge counts as refunded what its refunds give back, and that is no more than it took",
        sql: "SELECT c.id AS subject, min(coalesce(sum(r.amount), 0), c.captured) AS expected, \
              c.refunded AS found FROM charges AS c LEFT JOIN refunds AS r ON r.charge = c.id \
              AND r.status NOT IN ('failed', 'canceled') AND c.captured > 0 \
              GROUP BY c.id HAVING expected <> found",
    },
    Check {
        name: "charges_are_within_what_was_authorized",
        holds: "what was captured and let go of is no more than what was authorized",
        sql: "SELECT id AS subject, amount AS expected, captured + released AS found FROM charges \
              WHERE captured + released > amount OR captured < 0 OR released < 0",
    },
    Check {
        name: "intents_are_charged_once",
        holds: "a payment intent has at most one successful charge",
        sql: "SELECT payment_intent AS subject, 1 AS expected, count(*) AS found FROM charges \
              WHERE payment_intent IS NOT NULL AND status = 'succeeded' \
              GROUP BY payment_intent HAVING count(*) > 1",
    },
    Check {
        name: "intents_received_what_was_captured",
        holds: "a payment intent received what was captured of its charge",
        sql: "SELECT i.id AS subject, coalesce(sum(c.captured), 0) AS expected, i.received AS found \
              FROM payment_intents AS i LEFT JOIN charges AS c ON c.payment_intent = i.id \
              AND c.status = 'succeeded' GROUP BY i.id HAVING expected <> found",
    },
    Check {
        name: "open_chargebacks_are_held_back",
        holds: "the books hold back from a merchant what its open chargebacks are about",
        sql: "SELECT coalesce(d.owner, e.owner) || ' in ' || coalesce(d.currency, e.currency) \
              AS subject, coalesce(d.sum, 0) AS expected, coalesce(e.sum, 0) AS found FROM \
              (SELECT account AS owner, livemode, currency, sum(amount) AS sum FROM disputes \
               WHERE status IN ('needs_response', 'under_review') \
               GROUP BY account, livemode, currency) AS d \
              FULL JOIN (SELECT owner, livemode, currency, -sum(amount) AS sum FROM ledger_entries \
               WHERE kind = 'dispute_reserve' GROUP BY owner, livemode, currency) AS e \
              ON e.owner = d.owner AND e.livemode = d.livemode AND e.currency = d.currency \
              WHERE coalesce(d.sum, 0) <> coalesce(e.sum, 0)",
    },
    Check {
        name: "processors_took_back_what_is_disputed",
        holds: "processors took back what open chargebacks are about",
        sql: "SELECT coalesce(d.currency, e.currency) AS subject, coalesce(d.sum, 0) AS expected, \
              coalesce(e.sum, 0) AS found FROM \
              (SELECT livemode, currency, sum(amount) AS sum FROM disputes \
               WHERE status IN ('needs_response', 'under_review') GROUP BY livemode, currency) AS d \
              FULL JOIN (SELECT livemode, currency, sum(amount) AS sum FROM ledger_entries \
               WHERE kind = 'disputed_funds' GROUP BY livemode, currency) AS e \
              ON e.livemode = d.livemode AND e.currency = d.currency \
              WHERE coalesce(d.sum, 0) <> coalesce(e.sum, 0)",
    },
    Check {
        name: "disputes_are_booked_as_they_stand",
        holds: "a dispute's balance transactions add up to what it takes from the merchant",
        sql: "SELECT d.id AS subject, \
              iif(d.status IN ('needs_response', 'under_review', 'lost'), d.amount, 0) AS expected, \
              -coalesce(sum(b.amount), 0) AS found FROM disputes AS d \
              LEFT JOIN balance_transactions AS b ON b.source = d.id \
              GROUP BY d.id HAVING expected <> found",
    },
    Check {
        name: "open_payouts_are_in_transit",
        holds: "the books have in transit what open payouts are about",
        sql: "SELECT coalesce(p.owner, e.owner) || ' in ' || coalesce(p.currency, e.currency) \
              AS subject, coalesce(p.sum, 0) AS expected, coalesce(e.sum, 0) AS found FROM \
              (SELECT account AS owner, livemode, currency, sum(amount) AS sum FROM payouts \
               WHERE status IN ('pending', 'in_transit') GROUP BY account, livemode, currency) AS p \
              FULL JOIN (SELECT owner, livemode, currency, -sum(amount) AS sum FROM ledger_entries \
               WHERE kind = 'payouts_in_transit' GROUP BY owner, livemode, currency) AS e \
              ON e.owner = p.owner AND e.livemode = p.livemode AND e.currency = p.currency \
              WHERE coalesce(p.sum, 0) <> coalesce(e.sum, 0)",
    },
    Check {
        name: "payouts_are_booked_as_they_stand",
        holds: "a payout's balance transactions add up to what left the balance",
        sql: "SELECT p.id AS subject, iif(p.status IN ('failed', 'canceled'), 0, p.amount) \
              AS expected, -coalesce(sum(b.amount), 0) AS found FROM payouts AS p \
              LEFT JOIN balance_transactions AS b ON b.source = p.id GROUP BY p.id \
              HAVING expected <> found",
    },
    Check {
        name: "topups_are_booked_as_they_stand",
        holds: "a top-up's balance transactions add up to what the bank gave",
        sql: "SELECT t.id AS subject, iif(t.status = 'succeeded', t.amount, 0) AS expected, \
              coalesce(sum(b.amount), 0) AS found FROM topups AS t \
              LEFT JOIN balance_transactions AS b ON b.source = t.id GROUP BY t.id \
              HAVING expected <> found",
    },
    Check {
        name: "transfers_are_booked_as_they_stand",
        holds: "what a transfer or a reversal of one takes from a merchant, it gives to the other",
        sql: "WITH moved AS \
              (SELECT id, account AS loser, destination AS winner, livemode, amount FROM transfers \
               UNION ALL SELECT r.id, t.destination, t.account, t.livemode, r.amount \
               FROM transfer_reversals AS r JOIN transfers AS t ON t.id = r.transfer) \
              SELECT m.id || ' at ' || m.loser AS subject, -m.amount AS expected, \
              coalesce(sum(b.amount), 0) AS found FROM moved AS m LEFT JOIN balance_transactions \
              AS b ON b.source = m.id AND b.account = m.loser GROUP BY m.id HAVING expected <> found \
              UNION ALL SELECT m.id || ' at ' || m.winner AS subject, m.amount AS expected, \
              coalesce(sum(b.amount), 0) AS found FROM moved AS m LEFT JOIN balance_transactions \
              AS b ON b.source = m.id AND b.account = m.winner GROUP BY m.id \
              HAVING expected <> found",
    },
    Check {
        name: "transfers_count_their_reversals",
        holds: "a transfer counts as reversed what its reversals brought back",
        sql: "SELECT t.id AS subject, coalesce(sum(r.amount), 0) AS expected, t.reversed AS found \
              FROM transfers AS t LEFT JOIN transfer_reversals AS r ON r.transfer = t.id \
              GROUP BY t.id HAVING expected <> found",
    },
    Check {
        name: "transfers_stay_between_connected_accounts",
        holds: "money is transferred to accounts that the merchant connected",
        sql: "SELECT t.id AS subject, t.account AS expected, a.platform AS found FROM transfers AS t \
              JOIN accounts AS a ON a.id = t.destination WHERE a.platform IS NOT t.account",
    },
    Check {
        name: "open_attempts_are_looked_at",
        holds: "an attempt whose outcome is open is planned to be looked at",
        sql: "SELECT id AS subject, 1 AS expected, 0 AS found FROM attempts WHERE state = 'started' \
              AND id NOT IN (SELECT subject FROM scheduled_tasks WHERE kind = 'recover_attempt')",
    },
];
