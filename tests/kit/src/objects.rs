//! Idempotency objects, as tests have them: production's own instances over storage in memory.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;

use domain::idempotency::{Begin, Complete, Decision, Instance, Record, Records, Run};

use crate::executor::draw;

/// Every idempotency object of a platform.
#[derive(Default)]
pub struct Objects {
    /// What is kept, by the object and the key.
    records: RefCell<BTreeMap<(String, String), Record>>,
    /// By the object and the number of the instance.
    instances: RefCell<BTreeMap<(String, u64), Instance>>,
    /// What decides which instance a call reaches, where there are two of each object.
    split: Cell<Option<u64>>,
}

impl Objects {
    /// From now on there are two instances of each object over its one storage. The seed says which of them a call
    /// reaches, and when one was evicted and remembers nothing.
    pub fn split(&self, seed: u64) {
        self.split.set(Some(seed));
    }

    /// What an object keeps of a key.
    pub fn record(&self, object: &str, key: &str) -> Option<Record> {
        self.records.borrow().get(&(object.to_owned(), key.to_owned())).cloned()
    }

    /// Asks an object whether a request may run.
    pub fn begin(&self, object: &str, begin: &Begin) -> Decision {
        self.ask(object, |instance, storage| instance.begin(storage, begin))
    }

    /// Tells an object how a request ended.
    pub fn complete(&self, object: &str, complete: &Complete) -> bool {
        self.ask(object, |instance, storage| instance.complete(storage, complete))
    }

    fn ask<T>(
        &self,
        object: &str,
        question: impl FnOnce(&Instance, &Storage<'_>) -> Result<T, Infallible>,
    ) -> T {
        let mut number = 0;
        let mut instances = self.instances.borrow_mut();
        if let Some(mut draws) = self.split.get() {
            number = draw(&mut draws) % 2;
            if draw(&mut draws).is_multiple_of(4) {
                instances.remove(&(object.to_owned(), number));
            }
            self.split.set(Some(draws));
        }
        let instance = instances.entry((object.to_owned(), number)).or_default();
        let Ok(answer) = question(instance, &Storage { records: &self.records, object });
        answer
    }
}

/// The storage of one object.
struct Storage<'a> {
    records: &'a RefCell<BTreeMap<(String, String), Record>>,
    object: &'a str,
}

impl Storage<'_> {
    fn place(&self, key: &str) -> (String, String) {
        (self.object.to_owned(), key.to_owned())
    }
}

impl Records for Storage<'_> {
    type Error = Infallible;

    fn find(&self, key: &str) -> Result<Option<Record>, Infallible> {
        Ok(self.records.borrow().get(&self.place(key)).cloned())
    }

    fn insert(&self, key: &str, record: &Record) -> Result<bool, Infallible> {
        let mut records = self.records.borrow_mut();
        let is_new = !records.contains_key(&self.place(key));
        if is_new {
            records.insert(self.place(key), record.clone());
        }
        Ok(is_new)
    }

    fn replace(&self, key: &str, run: Run, record: &Record) -> Result<bool, Infallible> {
        let mut records = self.records.borrow_mut();
        let kept = records.get_mut(&self.place(key)).filter(|kept| kept.run() == run);
        let is_theirs = kept.is_some();
        if let Some(kept) = kept {
            *kept = record.clone();
        }
        Ok(is_theirs)
    }
}
