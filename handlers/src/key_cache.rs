//! API keys that were seen in the last seconds, so that a warm request needs no look-up.
//!
//! Bounded in time, so that a revoked key stops within seconds, and in size. A key that was not found
//! is not remembered: it may be made the next moment.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use domain::Timestamp;
use store::accounts::KeyAndAccount;

/// How long a key is remembered, in seconds.
pub const LIFETIME: i64 = 5;

/// How many keys are remembered.
const CAPACITY: usize = 1_000;

/// Keys by their hash, with the moment at which each was read.
#[derive(Debug, Default)]
pub struct KeyCache(RefCell<BTreeMap<String, (Timestamp, Rc<KeyAndAccount>)>>);

impl KeyCache {
    /// A key that was read within its lifetime.
    pub fn get(&self, hash: &str, now: Timestamp) -> Option<Rc<KeyAndAccount>> {
        let keys = self.0.borrow();
        let (read_at, found) = keys.get(hash)?;
        // A clock that went backwards must not keep a key for longer.
        let age = now.seconds().saturating_sub(read_at.seconds());
        (0..LIFETIME).contains(&age).then(|| Rc::clone(found))
    }

    /// Forgets all keys.
    pub fn forget(&self) {
        self.0.borrow_mut().clear();
    }

    /// Remembers a key that was just read.
    pub fn put(&self, hash: String, now: Timestamp, found: Rc<KeyAndAccount>) {
        let mut keys = self.0.borrow_mut();
        if keys.len() >= CAPACITY {
            keys.clear();
        }
        keys.insert(hash, (now, found));
    }
}
