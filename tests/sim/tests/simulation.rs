//! What the simulation promises of itself: a seed repeats, production code holds, and a bug is found.

use sim::run::{Plan, run};

fn plan(seed: u64) -> Plan {
    Plan { orders: 16, thoroughly: true, ..Plan::of(seed) }
}

#[test]
fn a_seed_does_the_same_again_to_the_last_byte() {
    for seed in [3, 7] {
        let (one, other) = (run(&plan(seed)), run(&plan(seed)));
        assert_eq!(one.trace.digest(), other.trace.digest());
        assert_eq!(one.trace.steps(), other.trace.steps());
        assert_eq!((one.rows, one.payments), (other.rows, other.payments));
    }
    assert_ne!(run(&plan(3)).trace.digest(), run(&plan(4)).trace.digest());
}

#[test]
fn words_change_nothing_of_a_run() {
    let in_words = run(&Plan { in_words: true, ..plan(5) });
    assert_eq!(in_words.trace.digest(), run(&plan(5)).trace.digest());
    let faults = in_words.trace.lines().iter().any(|line| line.contains("COMMITTED"));
    assert!(faults, "the steps are told");
}

#[test]
fn the_invariants_hold_under_some_of_every_weather() {
    let seeds = api::cases(4, 12);
    for seed in 100..100 + seeds {
        let report = run(&plan(seed));
        assert_eq!(
            report.problems,
            Vec::<String>::new(),
            "cargo xtask sim --seed {seed} --orders 16"
        );
        assert!(report.payments > 0);
    }
}

#[test]
fn planted_bugs_are_found_by_what_they_break() {
    let find = |name, broken: &str| {
        let found = (1..40).any(|seed| {
            let report = run(&Plan { planted: Some(name), ..plan(seed) });
            report.problems.iter().any(|problem| problem.starts_with(broken))
        });
        assert!(found, "{name} was not found");
    };
    find("delivery_unsigned", "I6");
    find("event_left_out", "I6");
    find("metadata_key_not_sent", "I8");
    find("settlement_fee_one_more", "I8");
    find("captures_fail", "BUG");
    find("delivery_given_up", "I6");
    find("lease_ignored", "I5");
    find("settlement_correction_booked_beside", "I8");
}
