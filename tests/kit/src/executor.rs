//! Running futures on the thread of the test.
//!
//! Nothing outside ever wakes these futures, since every port of the kit answers at once, so polling
//! again and again is all that an executor has to do. That needs no crate, and unlike one that parks
//! the thread it notices a future that waits for nothing.

use std::pin::{Pin, pin};
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

/// Runs futures together to their ends, each poll going to whichever the seed says, in bursts or in
/// turn. The outputs are in the order of the futures.
///
/// # Panics
/// When one of them waits for something that never comes.
pub fn interleave<'f, T>(seed: u64, futures: Vec<Pin<Box<dyn Future<Output = T> + 'f>>>) -> Vec<T> {
    let mut context = Context::from_waker(Waker::noop());
    let mut running: Vec<_> = futures.into_iter().enumerate().collect();
    let mut outputs: Vec<(usize, T)> = Vec::new();
    let mut draws = seed;
    for _ in 0..MOST_POLLS {
        if running.is_empty() {
            outputs.sort_by_key(|(place, _)| *place);
            return outputs.into_iter().map(|(_, output)| output).collect();
        }
        let chosen = draw(&mut draws) as usize % running.len();
        // Half of the time one future runs on for a while, as when the others wait for a far store.
        let burst = [1, 1, 3, 12][draw(&mut draws) as usize % 4];
        for _ in 0..burst {
            let (place, future) = &mut running[chosen];
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                outputs.push((*place, output));
                drop(running.swap_remove(chosen));
                break;
            }
        }
    }
    panic!("a future waits for something that never comes");
}

/// Runs futures by turns: each turn polls the future at a place so often, unless it has ended. What is
/// left then runs to its end, one future after the other. The outputs are in the order of the futures.
///
/// Two futures and the turns `[(0, i), (1, j)]` for each `i` and `j` are every order in which the second
/// comes between two awaits of the first and is itself interrupted once.
///
/// # Panics
/// When one of them waits for something that never comes.
pub fn take_turns<'f, T>(
    turns: &[(usize, u32)],
    mut futures: Vec<Pin<Box<dyn Future<Output = T> + 'f>>>,
) -> Vec<T> {
    let mut context = Context::from_waker(Waker::noop());
    let mut outputs: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    let rest = (0..futures.len()).map(|place| (place, MOST_POLLS));
    for (place, polls) in turns.iter().copied().chain(rest) {
        for _ in 0..polls {
            if outputs[place].is_some() {
                break;
            }
            if let Poll::Ready(output) = futures[place].as_mut().poll(&mut context) {
                outputs[place] = Some(output);
            }
        }
    }
    let waits = "a future waits for something that never comes";
    outputs.into_iter().map(|output| output.expect(waits)).collect()
}

/// The next number of a sequence that looks random (SplitMix64).
pub(crate) fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
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
    fn a_seed_repeats_its_order_and_seeds_differ() {
        let order = |seed| {
            let steps = std::cell::RefCell::new(Vec::new());
            let walk = |name: u8| -> Pin<Box<dyn Future<Output = u8> + '_>> {
                let steps = &steps;
                Box::pin(async move {
                    for _ in 0..5 {
                        steps.borrow_mut().push(name);
                        yield_once().await;
                    }
                    name
                })
            };
            assert_eq!(interleave(seed, vec![walk(1), walk(2), walk(3)]), [1, 2, 3]);
            steps.take()
        };
        assert_eq!(order(1), order(1));
        let different: std::collections::BTreeSet<_> = (0..20).map(order).collect();
        assert!(different.len() > 15, "{different:?}");
    }

    #[test]
    fn futures_take_the_turns_that_they_are_given() {
        let steps = std::cell::RefCell::new(Vec::new());
        let walk = |name: u8| -> Pin<Box<dyn Future<Output = u8> + '_>> {
            let steps = &steps;
            Box::pin(async move {
                for _ in 0..3 {
                    steps.borrow_mut().push(name);
                    yield_once().await;
                }
                name
            })
        };
        assert_eq!(take_turns(&[(0, 2), (1, 1)], vec![walk(1), walk(2)]), [1, 2]);
        assert_eq!(steps.take(), [1, 1, 2, 1, 2, 2]);
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
