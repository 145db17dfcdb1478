//! Receipts: how far they were made from events, and what one shows.
//!
//! They are the second reader of the events' sequence, beside the fan-out, and like it keep a cursor.

use domain::charge::Charge;
use domain::receipt::MOST_REFUNDS;

use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that another maker of the same receipts fails.
pub const CURSOR_GUARD: &str = "receipt_cursor";

pub(crate) const CURSOR: &str = "\
    SELECT receipt_event, (SELECT created FROM events WHERE sequence > 0 ORDER BY sequence DESC LIMIT 1 OFFSET ?1) AS before \
    FROM fan_out WHERE id = 1";

pub(crate) const EVENTS: &str = "\
    SELECT sequence, created, account, livemode, type, CASE WHEN type <> 'charge.refund.updated' THEN object \
    WHEN json_valid(data) THEN json_extract(data, '$.object.charge') END AS charge FROM events \
    WHERE sequence > (SELECT receipt_event FROM fan_out WHERE id = 1) ORDER BY sequence LIMIT ?1";

pub(crate) const ADVANCE: &str =
    "UPDATE fan_out SET receipt_event = ?2 WHERE id = 1 AND receipt_event = ?1";

pub(crate) const FIND: &str = "\
    SELECT c.*, a.name AS merchant FROM charges AS c JOIN accounts AS a ON a.id = c.account \
    WHERE c.id = ?1";

pub(crate) const REFUNDS: &str = "\
    SELECT * FROM refunds WHERE charge = ?1 AND status NOT IN ('failed', 'canceled') \
    ORDER BY created DESC, sequence DESC LIMIT ?2";

/// Finds how far receipts were made (column `receipt_event`), and when the event happened that so many others have come
/// after (`before`, in seconds since the epoch; NULL where there are not that many).
pub fn cursor(events: i64) -> Statement {
    Statement::new(CURSOR, values![events])
}

/// Finds the next events: their sequence, time, account, mode, type, and the charge that they are about.
pub fn events(most: i64) -> Statement {
    Statement::new(EVENTS, values![most])
}

/// Moves the cursor on, unless somebody else moved it.
pub fn advance(from: i64, to: i64) -> [Statement; 2] {
    [Statement::new(ADVANCE, values![from, to]), guard::changed_one(CURSOR_GUARD)]
}

/// Finds what a receipt shows, by the charge's id alone, for a customer who has no key: the charge with
/// its merchant's name, and the newest refunds.
pub fn find(charge: &str) -> [Statement; 2] {
    let refunds = i64::try_from(MOST_REFUNDS).unwrap_or(i64::MAX);
    [Statement::new(FIND, values![charge]), Statement::new(REFUNDS, values![charge, refunds])]
}

/// A charge that was paid, as a receipt needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// Whose it is.
    pub scope: Scope,
    /// The charge.
    pub charge: Charge,
    /// Its place among all charges.
    pub sequence: i64,
    /// The merchant's name.
    pub merchant: String,
}

impl TryFrom<&Row> for Paid {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            scope: Scope { account: row.named("account")?, livemode: row.flag("livemode")? },
            charge: Charge::try_from(row)?,
            sequence: row.integer("sequence")?,
            merchant: row.text("merchant")?.to_owned(),
        })
    }
}
