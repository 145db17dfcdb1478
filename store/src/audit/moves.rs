//! What has to hold of money that comes from the merchant's bank or goes to connected accounts.

use super::{Check, Stage};
use crate::audit::checks::LAST_NUMBER;

pub(super) const TOPUPS: Stage = Stage {
    name: "topups",
    next: "SELECT CAST(sequence AS TEXT) AS place FROM topups \
           WHERE sequence > CAST(?1 AS INTEGER) ORDER BY sequence LIMIT 1 OFFSET ?2",
    last: LAST_NUMBER,
    adds: None,
    checks: &[Check {
        name: "topups_are_booked_as_they_stand",
        holds: "a top-up's balance transactions add up to what the bank gave",
        sql: "SELECT t.id AS subject, iif(t.status = 'succeeded', t.amount, 0) AS expected, \
              coalesce(sum(b.amount), 0) AS found FROM topups AS t \
              LEFT JOIN balance_transactions AS b ON b.source = t.id \
              WHERE t.sequence > CAST(?1 AS INTEGER) AND t.sequence <= CAST(?2 AS INTEGER) \
              GROUP BY t.sequence HAVING expected <> found",
        whole: None,
    }],
};

pub(super) const TRANSFERS: Stage = Stage {
    name: "transfers",
    next: "SELECT CAST(sequence AS TEXT) AS place FROM transfers \
           WHERE sequence > CAST(?1 AS INTEGER) ORDER BY sequence LIMIT 1 OFFSET ?2",
    last: LAST_NUMBER,
    adds: None,
    checks: &[
        Check {
            name: "transfers_are_booked_as_they_stand",
            holds: "what a transfer takes from a merchant, it gives to the other",
            sql: "SELECT t.id || ' at ' || t.account AS subject, -t.amount AS expected, \
                  coalesce(sum(b.amount), 0) AS found FROM transfers AS t \
                  LEFT JOIN balance_transactions AS b ON b.source = t.id AND b.account = t.account \
                  WHERE t.sequence > CAST(?1 AS INTEGER) AND t.sequence <= CAST(?2 AS INTEGER) \
                  GROUP BY t.sequence HAVING expected <> found \
                  UNION ALL \
                  SELECT t.id || ' at ' || t.destination AS subject, t.amount AS expected, \
                  coalesce(sum(b.amount), 0) AS found FROM transfers AS t \
                  LEFT JOIN balance_transactions AS b ON b.source = t.id AND b.account = t.destination \
                  WHERE t.sequence > CAST(?1 AS INTEGER) AND t.sequence <= CAST(?2 AS INTEGER) \
                  GROUP BY t.sequence HAVING expected <> found",
            whole: None,
        },
        Check {
            name: "transfers_count_their_reversals",
            holds: "a transfer counts as reversed what its reversals brought back",
            sql: "SELECT t.id AS subject, coalesce(sum(r.amount), 0) AS expected, t.reversed AS found \
                  FROM transfers AS t LEFT JOIN transfer_reversals AS r ON r.transfer = t.id \
                  WHERE t.sequence > CAST(?1 AS INTEGER) AND t.sequence <= CAST(?2 AS INTEGER) \
                  GROUP BY t.sequence HAVING expected <> found",
            whole: None,
        },
        Check {
            name: "transfers_stay_between_connected_accounts",
            holds: "money is transferred to accounts that the merchant connected",
            sql: "SELECT t.id AS subject, 1 AS expected, 0 AS found \
                  FROM transfers AS t JOIN accounts AS a ON a.id = t.destination \
                  WHERE t.sequence > CAST(?1 AS INTEGER) AND t.sequence <= CAST(?2 AS INTEGER) \
                  AND a.platform IS NOT t.account",
            whole: None,
        },
    ],
};

pub(super) const REVERSALS: Stage = Stage {
    name: "transfer_reversals",
    next: "SELECT CAST(sequence AS TEXT) AS place FROM transfer_reversals \
           WHERE sequence > CAST(?1 AS INTEGER) ORDER BY sequence LIMIT 1 OFFSET ?2",
    last: LAST_NUMBER,
    adds: None,
    checks: &[Check {
        name: "reversals_are_booked_as_they_stand",
        holds: "what a reversal of a transfer takes from a merchant, it gives back to the other",
        sql: "SELECT r.id || ' at ' || t.destination AS subject, -r.amount AS expected, \
              coalesce(sum(b.amount), 0) AS found FROM transfer_reversals AS r \
              JOIN transfers AS t ON t.id = r.transfer \
              LEFT JOIN balance_transactions AS b ON b.source = r.id AND b.account = t.destination \
              WHERE r.sequence > CAST(?1 AS INTEGER) AND r.sequence <= CAST(?2 AS INTEGER) \
              GROUP BY r.sequence HAVING expected <> found \
              UNION ALL \
              SELECT r.id || ' at ' || t.account AS subject, r.amount AS expected, \
              coalesce(sum(b.amount), 0) AS found FROM transfer_reversals AS r \
              JOIN transfers AS t ON t.id = r.transfer \
              LEFT JOIN balance_transactions AS b ON b.source = r.id AND b.account = t.account \
              WHERE r.sequence > CAST(?1 AS INTEGER) AND r.sequence <= CAST(?2 AS INTEGER) \
              GROUP BY r.sequence HAVING expected <> found",
        whole: None,
    }],
};
