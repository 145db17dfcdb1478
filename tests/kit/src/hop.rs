//! The hook in every call to the outside: it counts, pauses and fails as the test wants.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::yield_once;

/// Where a call breaks. The caller cannot tell the two apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call never arrives: nothing happens.
    BeforeEffect,
    /// The answer is lost: it happened.
    AfterEffect,
}

/// One kind of call to the outside, as batches of the database.
#[derive(Debug, Default)]
pub struct Hop {
    calls: Cell<u64>,
    faults: RefCell<BTreeMap<u64, Fault>>,
    yields: Cell<bool>,
}

impl Hop {
    /// Breaks the nth call from now on, the next one being the first.
    ///
    /// # Panics
    /// When `nth` is 0: no call is the one before the next.
    pub fn fail(&self, nth: u64, fault: Fault) {
        assert!(nth > 0, "the next call is the first");
        self.faults.borrow_mut().insert(self.calls.get() + nth, fault);
    }

    /// Forgets the faults that are planned.
    pub fn heal(&self) {
        self.faults.borrow_mut().clear();
    }

    /// Whether each call lets other futures go on, right before its effect and right after.
    pub fn yields(&self, yields: bool) {
        self.yields.set(yields);
    }

    /// How many calls were made, broken ones included.
    pub fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// Faults that are planned and have not happened yet, so that a test can tell that its own did.
    pub fn faults_left(&self) -> usize {
        self.faults.borrow().len()
    }

    /// Makes one call.
    pub(crate) async fn make<T, E>(
        &self,
        effect: impl FnOnce() -> Result<T, E>,
        lost: impl FnOnce() -> E,
    ) -> Result<T, E> {
        self.calls.set(self.calls.get() + 1);
        let fault = self.faults.borrow_mut().remove(&self.calls.get());
        self.pause().await;
        if fault == Some(Fault::BeforeEffect) {
            return Err(lost());
        }
        let result = effect();
        self.pause().await;
        if fault == Some(Fault::AfterEffect) { Err(lost()) } else { result }
    }

    async fn pause(&self) {
        if self.yields.get() {
            yield_once().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{run, run_until_poll};

    fn call(hop: &Hop, effects: &Cell<u32>) -> Result<(), &'static str> {
        let effect = || {
            effects.set(effects.get() + 1);
            Ok(())
        };
        run(hop.make(effect, || "lost"))
    }

    #[test]
    fn only_the_planned_calls_break_and_only_one_of_them_without_effect() {
        let (hop, effects) = (Hop::default(), Cell::new(0));
        assert_eq!(call(&hop, &effects), Ok(()));
        hop.fail(2, Fault::BeforeEffect);
        hop.fail(3, Fault::AfterEffect);
        assert_eq!((call(&hop, &effects), effects.get()), (Ok(()), 2));
        assert_eq!((call(&hop, &effects), effects.get()), (Err("lost"), 2));
        assert_eq!((call(&hop, &effects), effects.get()), (Err("lost"), 3));
        assert_eq!((call(&hop, &effects), effects.get()), (Ok(()), 4));
        assert_eq!((hop.calls(), hop.faults_left()), (5, 0));
    }

    #[test]
    fn a_call_that_yields_can_be_dropped_on_either_side_of_its_effect() {
        let hop = Hop::default();
        hop.yields(true);
        for (polls, expected) in [(1, (None, 0)), (2, (None, 1)), (3, (Some(Ok(())), 1))] {
            let effects = Cell::new(0);
            let effect = || {
                effects.set(effects.get() + 1);
                Ok::<_, ()>(())
            };
            let outcome = run_until_poll(polls, hop.make(effect, || ()));
            assert_eq!((outcome, effects.get()), expected, "after {polls} polls");
        }
    }
}
