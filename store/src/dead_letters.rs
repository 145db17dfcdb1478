//! Dead letters: messages that no consumer could take.

use domain::timestamp::Timestamp;

use crate::{Inconsistent, Row, Statement, values};

// The same message can die many times during an outage, which is worth one row.
pub(crate) const PARK: &str = "\
    INSERT INTO dead_letters (queue, body, problem, count, first_parked_at, last_parked_at) \
    VALUES (?1, ?2, ?3, 1, ?4, ?4) ON CONFLICT (queue, body) DO UPDATE SET \
    problem = excluded.problem, count = count + 1, last_parked_at = excluded.last_parked_at, \
    redrive = 0";

pub(crate) const TO_REDRIVE: &str = "\
    SELECT sequence, queue, body FROM dead_letters WHERE redrive = 1 AND sequence >= 0 \
    ORDER BY sequence LIMIT ?1";

// One that died again meanwhile stays.
pub(crate) const DELETE: &str = "DELETE FROM dead_letters WHERE sequence = ?1 AND redrive = 1";

/// A message that is to be tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its row.
    pub sequence: i64,
    /// What its queue is for, as `deliveries`.
    pub queue: String,
    /// The message.
    pub body: String,
}

/// Parks a message.
pub fn park(queue: &str, body: &str, problem: &str, now: Timestamp) -> Statement {
    Statement::new(PARK, values![queue, body, problem, now.seconds()])
}

/// Finds messages that an operator wants to be tried again.
pub fn to_redrive(most: i64) -> Statement {
    Statement::new(TO_REDRIVE, values![most])
}

/// Removes a message that was put on its way again.
pub fn delete(sequence: i64) -> Statement {
    Statement::new(DELETE, values![sequence])
}

impl TryFrom<&Row> for DeadLetter {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            sequence: row.integer("sequence")?,
            queue: row.text("queue")?.to_owned(),
            body: row.text("body")?.to_owned(),
        })
    }
}
