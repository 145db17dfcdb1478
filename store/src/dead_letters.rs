//! Dead letters: messages that no consumer could take, and mail that was given up.

use domain::timestamp::Timestamp;

use crate::{Inconsistent, Row, Statement, values};

// The same message can die many times during an outage, which is worth one row.
pub(crate) const PARK: &str = "\
    INSERT INTO dead_letters (queue, body, problem, count, first_parked_at, last_parked_at) \
    VALUES (?1, ?2, ?3, 1, ?4, ?4) ON CONFLICT (queue, body) DO UPDATE SET \
    problem = excluded.problem, count = count + 1, last_parked_at = excluded.last_parked_at, \
    redrive = 0";

pub(crate) const TO_REDRIVE: &str = "\
    SELECT queue, body FROM dead_letters WHERE redrive = 1 AND sequence >= 0 \
    ORDER BY sequence LIMIT ?1";

pub(crate) const FIND: &str = "SELECT problem FROM dead_letters WHERE queue = ?1 AND body = ?2";

pub(crate) const EXPLAIN: &str =
    "UPDATE dead_letters SET problem = ?3 WHERE queue = ?1 AND body = ?2";

// One that died again meanwhile stays.
pub(crate) const DELETE: &str =
    "DELETE FROM dead_letters WHERE queue = ?1 AND body = ?2 AND problem = ?3";

// One that died again while it was sent on its way stays.
pub(crate) const PUT_BACK: &str =
    "DELETE FROM dead_letters WHERE queue = ?1 AND body = ?2 AND redrive = 1";

pub(crate) const REMOVE: &str = "DELETE FROM dead_letters WHERE queue = ?1 AND body = ?2";

pub(crate) const WAIT: &str = "UPDATE dead_letters SET redrive = 0 WHERE queue = ?1 AND body = ?2";

/// In the stead of a queue: mail that was given up. The message is the charge whose receipt it is.
pub const MAIL: &str = "mail";

/// The problem of a message that is being tried, and stays that of one which ends whoever tries it.
const ON_TRIAL: &str = "The invocation that tried it did not come to its end.";

/// A message that is to be tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// What its queue is for, as `deliveries`.
    pub queue: String,
    /// The message.
    pub body: String,
}

/// Parks a message.
pub fn park(queue: &str, body: &str, problem: &str, now: Timestamp) -> Statement {
    Statement::new(PARK, values![queue, body, problem, now.seconds()])
}

/// Parks a message before it is tried, so that it is parked whatever that does.
pub fn begin_trial(queue: &str, body: &str, now: Timestamp) -> Statement {
    park(queue, body, ON_TRIAL, now)
}

/// Finds why a message is parked, for [`is_on_trial`].
pub fn find(queue: &str, body: &str) -> Statement {
    Statement::new(FIND, values![queue, body])
}

/// Whether a message was tried and nobody came to the end of that.
///
/// # Errors
/// When the row cannot be read.
pub fn is_on_trial(row: &Row) -> Result<bool, Inconsistent> {
    Ok(row.text("problem")? == ON_TRIAL)
}

/// Writes what is wrong with a parked message.
pub fn explain(queue: &str, body: &str, problem: &str) -> Statement {
    Statement::new(EXPLAIN, values![queue, body, problem])
}

/// Finds messages that an operator wants to be tried again.
pub fn to_redrive(most: i64) -> Statement {
    Statement::new(TO_REDRIVE, values![most])
}

/// Removes a message that is on its way through its queue again.
pub fn put_back(queue: &str, body: &str) -> Statement {
    Statement::new(PUT_BACK, values![queue, body])
}

/// Removes the mail of a charge, which left, or which nobody wants any more.
pub fn remove_mail(charge: &str) -> Statement {
    Statement::new(REMOVE, values![MAIL, charge])
}

/// The mail of a charge is tried again: it is gone once it left, and counted where it is given up again.
pub fn try_mail(charge: &str) -> Statement {
    Statement::new(WAIT, values![MAIL, charge])
}

/// Removes a message that somebody took when it was tried.
pub fn delete(queue: &str, body: &str) -> Statement {
    Statement::new(DELETE, values![queue, body, ON_TRIAL])
}

impl TryFrom<&Row> for DeadLetter {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self { queue: row.text("queue")?.to_owned(), body: row.text("body")?.to_owned() })
    }
}
