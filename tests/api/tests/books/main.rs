//! The books against a model: random sequences of what merchants, cardholders, banks and time do, through
//! the API, and every balance compared with the model's after every step.

mod balances;
mod compared;
mod disputes;
mod model;
mod operation;
mod payments;
mod payouts;

use api::cases;
use proptest::collection::vec;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};

use compared::Compared;
use operation::{MERCHANTS, Operation, Terms, operation, terms};

/// How many steps a sequence has.
const STEPS: usize = 200;

/// How many sequences each of the tests runs: with both of them, 100,000 steps.
fn sequences() -> u32 {
    cases(3, 250)
}

/// Runs a sequence. Says what differs, and after how many steps.
fn difference(terms: &[Terms; MERCHANTS], operations: &[Operation]) -> Option<(usize, String)> {
    let mut compared = Compared::new(terms.clone());
    for (done, operation) in (1..).zip(operations) {
        if let Err(difference) = compared.step(operation) {
            return Some((done, difference));
        }
    }
    compared.end().err().map(|difference| (operations.len(), difference))
}

/// The steps that it takes for a sequence to differ, more or less, and how it does.
fn reduced(terms: &[Terms; MERCHANTS], mut operations: Vec<Operation>) -> (Vec<Operation>, String) {
    let mut told = String::new();
    let mut place = operations.len();
    while let Some((done, difference)) = difference(terms, &operations) {
        operations.truncate(done);
        told = difference;
        // Whatever is left out, those before it are looked at once.
        place = place.min(operations.len());
        let fewer = (0..place).rev().find_map(|place| {
            let mut fewer = operations.clone();
            fewer.remove(place);
            self::difference(terms, &fewer).map(|_| (place, fewer))
        });
        let Some((left_out, fewer)) = fewer else { break };
        (place, operations) = (left_out, fewer);
    }
    (operations, told)
}

fn run(returns_fees: bool) {
    let mut runner = TestRunner::new(Config::default());
    let strategy = ([terms(), terms()], vec(operation(), STEPS));
    for _ in 0..sequences() {
        let (mut terms, operations) = strategy.new_tree(&mut runner).expect("a sequence").current();
        terms[0].returns_fees = returns_fees;
        if difference(&terms, &operations).is_some() {
            let (operations, difference) = reduced(&terms, operations);
            panic!("{difference}\nafter {operations:#?}\nwhere {terms:#?}");
        }
    }
}

#[test]
fn every_balance_is_the_models_after_every_step_where_fees_are_kept() {
    run(false);
}

#[test]
fn every_balance_is_the_models_after_every_step_where_fees_go_back() {
    run(true);
}
