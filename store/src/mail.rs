//! Mail: until when all of it waits, since nobody took any.

use domain::timestamp::Timestamp;

use crate::{Inconsistent, Row, Statement, values};

pub(crate) const FIND: &str = "SELECT mail_after FROM fan_out WHERE id = 1";

pub(crate) const PUT_OFF: &str = "UPDATE fan_out SET mail_after = ?1 WHERE id = 1";

/// Finds until when mail waits, for [`waits_until`].
pub fn find() -> Statement {
    Statement::new(FIND, values![])
}

/// Has all mail wait until then.
pub fn put_off(until: Timestamp) -> Statement {
    Statement::new(PUT_OFF, values![until.seconds()])
}

/// Until when mail waits.
///
/// # Errors
/// When the row cannot be read.
pub fn waits_until(row: &Row) -> Result<Timestamp, Inconsistent> {
    row.integer("mail_after").map(Timestamp)
}
