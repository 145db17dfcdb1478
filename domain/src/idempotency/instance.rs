//! One instance of the object that keeps idempotency records.
//!
//! For a moment there may be two instances of an object: one that was moved or cut off goes on with what it was asked
//! before. So what an instance remembers counts only as far as storage agrees. A record is put in the place of the run
//! that the instance knows and of no other: the epoch fences off whoever was overtaken.

use std::cell::RefCell;

use super::{Begin, Complete, Decision, Record};
use crate::timestamp::Timestamp;

/// How many records of running requests are remembered.
const REMEMBERED: usize = 100;

/// Which run of which request a record tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// When the key was first seen.
    pub created: Timestamp,
    /// The number of the run.
    pub epoch: i64,
}

impl Record {
    /// The run that the record tells of.
    pub const fn run(&self) -> Run {
        Run { created: self.created, epoch: self.epoch }
    }
}

/// Where the records of an object are kept; nothing comes between what a call looks at and what it writes.
pub trait Records {
    /// Why nothing could be read or written.
    type Error;

    /// What is kept of a key.
    ///
    /// # Errors
    /// When it cannot be read.
    fn find(&self, key: &str) -> Result<Option<Record>, Self::Error>;

    /// Keeps the record of a new key; false where something is kept of it.
    ///
    /// # Errors
    /// When it cannot be written.
    fn insert(&self, key: &str, record: &Record) -> Result<bool, Self::Error>;

    /// Puts a record in the place of one that tells of this run; false where it tells of another.
    ///
    /// # Errors
    /// When it cannot be written.
    fn replace(&self, key: &str, run: Run, record: &Record) -> Result<bool, Self::Error>;
}

/// What an instance remembers.
#[derive(Debug, Default)]
pub struct Instance {
    /// Records as they were written, of requests that run: their completion need not look for them.
    running: RefCell<Vec<(String, Record)>>,
}

impl Instance {
    /// Decides a request, and keeps what follows from that.
    ///
    /// # Errors
    /// When storage does not answer.
    pub fn begin<R: Records>(&self, records: &R, begin: &Begin) -> Result<Decision, R::Error> {
        // Nearly every key is new, which its insertion finds out by itself.
        let (decision, record) = super::begin(None, begin);
        if let Some(record) = record
            && records.insert(&begin.key, &record)?
        {
            self.remember(&begin.key, record);
            return Ok(decision);
        }
        let kept = records.find(&begin.key)?;
        let run = kept.as_ref().map(Record::run);
        let (decision, record) = super::begin(kept, begin);
        if let (Some(run), Some(record)) = (run, record) {
            if !records.replace(&begin.key, run, &record)? {
                return Ok(Decision::InFlight);
            }
            self.remember(&begin.key, record);
        }
        Ok(decision)
    }

    /// Keeps the answer of a request; false where another run overtook it.
    ///
    /// # Errors
    /// When storage does not answer.
    pub fn complete<R: Records>(&self, records: &R, complete: &Complete) -> Result<bool, R::Error> {
        let kept = match self.recall(&complete.key) {
            Some(record) => Some(record),
            None => records.find(&complete.key)?,
        };
        match super::complete(kept, complete) {
            Some(record) => records.replace(&complete.key, record.run(), &record),
            None => Ok(false),
        }
    }

    fn remember(&self, key: &str, record: Record) {
        let mut running = self.running.borrow_mut();
        // Those whose requests died are never asked for.
        if running.len() >= REMEMBERED {
            running.clear();
        }
        running.push((key.to_owned(), record));
    }

    /// What was last written under a key, where its request runs; it is forgotten by that.
    fn recall(&self, key: &str) -> Option<Record> {
        let mut running = self.running.borrow_mut();
        let newest = running.iter().rposition(|(known, _)| known == key)?;
        let (_, record) = running.swap_remove(newest);
        running.retain(|(known, _)| known != key);
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use super::*;
    use crate::idempotency::{Answer, LEASE};

    #[derive(Default)]
    struct Storage(RefCell<BTreeMap<String, Record>>);

    impl Records for Storage {
        type Error = Infallible;

        fn find(&self, key: &str) -> Result<Option<Record>, Infallible> {
            Ok(self.0.borrow().get(key).cloned())
        }

        fn insert(&self, key: &str, record: &Record) -> Result<bool, Infallible> {
            let mut records = self.0.borrow_mut();
            let is_new = !records.contains_key(key);
            records.entry(key.to_owned()).or_insert_with(|| record.clone());
            Ok(is_new)
        }

        fn replace(&self, key: &str, run: Run, record: &Record) -> Result<bool, Infallible> {
            let mut records = self.0.borrow_mut();
            match records.get_mut(key) {
                Some(kept) if kept.run() == run => *kept = record.clone(),
                _ => return Ok(false),
            }
            Ok(true)
        }
    }

    fn begin(now: i64) -> Begin {
        Begin {
            key: "k".to_owned(),
            fingerprint: "f".to_owned(),
            seed: format!("seed-{now}"),
            request_id: format!("req_{now}"),
            now: Timestamp(now),
        }
    }

    fn done(epoch: i64, body: &str) -> Complete {
        let answer = Answer { status: 200, body: body.to_owned() };
        Complete { key: "k".to_owned(), epoch, answer: Some(answer) }
    }

    #[test]
    fn an_instance_that_was_overtaken_by_another_kept_its_answer_in_the_place_of_theirs() {
        let (storage, old, new) = (Storage::default(), Instance::default(), Instance::default());
        let first = old.begin(&storage, &begin(0));
        assert!(matches!(first, Ok(Decision::Run { epoch: 1, resumes: false, .. })));
        let seed = "seed-0".to_owned();
        let resumed = new.begin(&storage, &begin(LEASE));
        assert_eq!(resumed, Ok(Decision::Run { seed, epoch: 2, resumes: true }));
        assert_eq!(old.complete(&storage, &done(1, "old")), Ok(false));
        assert_eq!(new.complete(&storage, &done(2, "new")), Ok(true));
        for instance in [&old, &new, &Instance::default()] {
            let again = instance.begin(&storage, &begin(LEASE + 1));
            assert!(
                matches!(&again, Ok(Decision::Replay { answer, .. }) if answer.body == "new"),
                "{again:?}"
            );
        }
    }

    #[test]
    fn an_instance_that_was_evicted_completes_what_another_began() {
        let storage = Storage::default();
        assert!(Instance::default().begin(&storage, &begin(0)).is_ok());
        assert_eq!(Instance::default().begin(&storage, &begin(1)), Ok(Decision::InFlight));
        assert_eq!(Instance::default().complete(&storage, &done(1, "it")), Ok(true));
    }
}
