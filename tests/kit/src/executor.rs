//! Running futures on the thread of the test.
//!
//! Nothing outside ever wakes these futures, since every port of the kit answers at once, so polling
//! again and again is all that an executor has to do. That needs no crate, and unlike one that parks
//! the thread it notices a future that waits for nothing.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// More polls than any test needs: whoever is still waiting then waits for nothing.
const MOST_POLLS: u32 = 1_000_000;

/// Runs a future to its end.
///
/// # Panics
/// When the future waits for something that never comes.
pub fn run<F: Future>(future: F) -> F::Output {
    run_until_poll(MOST_POLLS, future).expect("the future waits for something that never comes")
}

/// Runs a future until it has been polled so often, then drops it, as an isolate that dies would.
///
/// With [`yields`](crate::Platform::yields) on, each hop ends one poll right before its effect and
/// one right after, so counting `polls` up from 1 until this returns an output crashes an operation
/// at each of its awaits.
pub fn run_until_poll<F: Future>(polls: u32, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}

/// Lets the other futures of the test go on before this one does.
pub async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_future_that_waits_for_nothing_is_noticed() {
        assert_eq!(run(async { 1 }), 1);
        let outcome = std::panic::catch_unwind(|| run(std::future::pending::<()>()));
        assert!(outcome.is_err());
    }

    #[test]
    fn a_future_is_dropped_where_its_polls_end() {
        let two_yields = || async {
            yield_once().await;
            yield_once().await;
        };
        assert_eq!(run_until_poll(2, two_yields()), None);
        assert_eq!(run_until_poll(3, two_yields()), Some(()));
    }
}
