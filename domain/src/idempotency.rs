//! Idempotency: what a repeated request is answered.
//!
//! Source: <https://docs.stripe.com/api/idempotent_requests>, and for what happens to a request that
//! died half-way the decision record on resuming. The rules are pure: the object that keeps the
//! records asks [`begin`] and [`complete`] what to write and what to say, by way of [`Instance`].

mod instance;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use crate::kept;
use crate::timestamp::{DAY, Timestamp};

pub use instance::{Instance, Records, Run};

/// How long a running request keeps others with its key out, in seconds. Correctness never rests on
/// it: ids, guards and the processor's key do.
pub const LEASE: i64 = 15;

/// How long an answer is kept, in seconds.
pub const RETENTION: i64 = DAY;

/// The longest key, in characters.
pub const MAX_KEY_LENGTH: usize = 255;

/// What is kept of one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// A keyed digest of method, path and parameters (a body may hold a card number).
    pub fingerprint: String,
    /// What every id of the request is derived from, in hexadecimal.
    pub seed: String,
    /// Counts the runs; only the newest may complete.
    pub epoch: i64,
    /// Until when the running request keeps others out.
    pub lease_until: Timestamp,
    /// The first request with this key.
    pub request_id: String,
    /// When the key was first seen.
    pub created: Timestamp,
    /// The answer, once there is one.
    pub answer: Option<Answer>,
}

/// An answer that is given again, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// A request that asks to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// The merchant's key.
    pub key: String,
    /// A keyed digest of method, path and parameters.
    pub fingerprint: String,
    /// A random seed, kept if the key is new.
    pub seed: String,
    /// This request.
    pub request_id: String,
    /// The moment.
    pub now: Timestamp,
}

/// What a request is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// Run.
    Run {
        /// What every id is derived from.
        seed: String,
        /// What the request names when it completes.
        epoch: i64,
        /// Whether an earlier run may have left rows behind.
        resumes: bool,
    },
    /// Give this answer again.
    Replay {
        /// The answer.
        answer: Answer,
        /// The request that got it first.
        original_request: String,
    },
    /// The key was used for another request.
    Mismatch,
    /// The same request is running.
    InFlight,
}

impl<'de> Deserialize<'de> for Decision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Run {
            seed: String,
            epoch: i64,
            resumes: bool,
        }
        #[derive(Deserialize)]
        struct Replay {
            answer: Answer,
            original_request: String,
        }
        let (decision, fields) = kept::variant(deserializer, "decision")?;
        match decision.as_str() {
            "run" => kept::from_value(fields).map(|Run { seed, epoch, resumes }| Self::Run {
                seed,
                epoch,
                resumes,
            }),
            "replay" => kept::from_value(fields).map(|Replay { answer, original_request }| {
                Self::Replay { answer, original_request }
            }),
            "mismatch" => Ok(Self::Mismatch),
            "in_flight" => Ok(Self::InFlight),
            other => Err(kept::unknown_variant(other)),
        }
        .map_err(D::Error::custom)
    }
}

/// A request that has its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complete {
    /// The merchant's key.
    pub key: String,
    /// The run that got the answer.
    pub epoch: i64,
    /// The answer to keep; none lets the next request with the key run at once.
    pub answer: Option<Answer>,
}

/// Decides a request against what is kept of its key, and what is kept from now on where that changes.
pub fn begin(kept: Option<Record>, request: &Begin) -> (Decision, Option<Record>) {
    let Some(record) = kept.filter(|record| !has_expired(record, request.now)) else {
        return start(request);
    };
    if record.fingerprint != request.fingerprint {
        return (Decision::Mismatch, None);
    }
    if let Some(answer) = record.answer {
        return (Decision::Replay { answer, original_request: record.request_id }, None);
    }
    if record.lease_until > request.now {
        return (Decision::InFlight, None);
    }
    let epoch = record.epoch.saturating_add(1);
    let decision = Decision::Run { seed: record.seed.clone(), epoch, resumes: true };
    let record = Record { epoch, lease_until: request.now.plus(LEASE), ..record };
    (decision, Some(record))
}

fn start(request: &Begin) -> (Decision, Option<Record>) {
    let record = Record {
        fingerprint: request.fingerprint.clone(),
        seed: request.seed.clone(),
        epoch: 1,
        lease_until: request.now.plus(LEASE),
        request_id: request.request_id.clone(),
        created: request.now,
        answer: None,
    };
    let decision = Decision::Run { seed: record.seed.clone(), epoch: 1, resumes: false };
    (decision, Some(record))
}

/// What is kept after a run ended; nothing changes for a run that is not the newest.
pub fn complete(kept: Option<Record>, completion: &Complete) -> Option<Record> {
    let record = kept?;
    if record.epoch != completion.epoch || record.answer.is_some() {
        return None;
    }
    Some(Record { answer: completion.answer.clone(), lease_until: Timestamp(0), ..record })
}

/// Whether a key may be forgotten. One whose outcome is open is kept for as long again, so that a
/// late retry still finds its rows.
pub fn has_expired(record: &Record, now: Timestamp) -> bool {
    let retention = if record.answer.is_some() { RETENTION } else { RETENTION.saturating_mul(2) };
    record.created.plus(retention) <= now && record.lease_until <= now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(now: i64, fingerprint: &str) -> Begin {
        Begin {
            key: "k".to_owned(),
            fingerprint: fingerprint.to_owned(),
            seed: format!("seed-{now}"),
            request_id: format!("req_{now}"),
            now: Timestamp(now),
        }
    }

    fn answer() -> Answer {
        Answer { status: 200, body: "{}".to_owned() }
    }

    fn done(epoch: i64, answer: Option<Answer>) -> Complete {
        Complete { key: "k".to_owned(), epoch, answer }
    }

    #[test]
    fn a_finished_request_is_replayed_for_a_day() {
        let (decision, record) = begin(None, &request(0, "a"));
        assert!(matches!(decision, Decision::Run { epoch: 1, resumes: false, .. }));
        assert_eq!(begin(record.clone(), &request(1, "a")).0, Decision::InFlight);
        let record = complete(record, &done(1, Some(answer())));
        let expected = Decision::Replay { answer: answer(), original_request: "req_0".to_owned() };
        assert_eq!(begin(record.clone(), &request(DAY - 1, "a")).0, expected);
        assert_eq!(begin(record.clone(), &request(1, "b")).0, Decision::Mismatch);
        assert!(matches!(
            begin(record, &request(DAY, "b")).0,
            Decision::Run { resumes: false, .. }
        ));
    }

    #[test]
    fn a_request_that_died_is_resumed_with_its_own_seed() {
        let (_, record) = begin(None, &request(0, "a"));
        let (decision, record) = begin(record, &request(LEASE, "a"));
        assert_eq!(decision, Decision::Run { seed: "seed-0".to_owned(), epoch: 2, resumes: true });
        assert_eq!(
            complete(record.clone(), &done(1, Some(answer()))),
            None,
            "an old run is refused"
        );
        assert!(complete(record, &done(2, Some(answer()))).is_some());
    }

    #[test]
    fn a_request_without_an_outcome_lets_the_next_one_in() {
        let (_, record) = begin(None, &request(0, "a"));
        let record = complete(record, &done(1, None));
        assert!(matches!(
            begin(record, &request(1, "a")).0,
            Decision::Run { epoch: 2, resumes: true, .. }
        ));
    }
}
