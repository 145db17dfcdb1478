//! What the simulation promises of itself: a seed repeats, production code holds, and a bug is found.

use std::process::Command;

use sim::run::{Plan, run, run_guarded};

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

/// Some of each kind, in the edit loop; `cargo xtask test` plants all, whatever finds them.
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

#[test]
fn a_run_that_panicked_told_nothing_of_what_had_happened() {
    let panicked = |in_words| {
        let plan = Plan { planted: Some("lost_answer_unwrapped"), in_words, ..plan(1) };
        let report = run_guarded(&plan);
        assert_eq!(report.problems, ["PANIC: an answer that was lost"]);
        report
    };
    let report = panicked(true);
    let faults = report.trace.lines().iter().any(|line| line.contains("FAULT: "));
    assert!(faults, "the steps until then are told");
    assert_eq!(report.trace.digest(), panicked(false).trace.digest());
}

/// What the built simulation says, and whether it found nothing wrong.
fn said(arguments: &[&str]) -> (Vec<String>, bool) {
    let output = Command::new(env!("CARGO_BIN_EXE_sim")).args(arguments).output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    (text.lines().map(str::to_owned).collect(), output.status.success())
}

#[test]
fn the_command_that_is_printed_replays_what_failed_step_by_step() {
    for bug in ["event_left_out", "lost_answer_unwrapped"] {
        let (lines, is_well) = said(&["--seed", "1", "--orders", "16", "--bug", bug]);
        assert!(!is_well, "{bug} is found");
        let place = |begins: &str| lines.iter().position(|line| line.trim().starts_with(begins));
        let trace = place("the trace with ").expect("the trace") + 1;
        let command = place("replay it: ").expect("the command");
        let (_, words) = lines[command].split_once("cargo xtask sim ").expect("a task");
        let (replayed, is_well) = said(&words.split(' ').collect::<Vec<_>>());
        assert!(!is_well, "it fails again: {words}");
        // The steps in words, the digest of all of them, and what does not hold.
        let shown = &lines[trace..command];
        assert!(shown.len() > 20, "{bug}: {shown:#?}");
        let end = replayed.iter().position(|line| line.starts_with("seed ")).expect("a digest");
        let problems =
            shown.iter().rev().position(|line| line.starts_with("seed ")).expect("a digest");
        let replayed = &replayed[..=end + problems];
        assert!(replayed.ends_with(shown), "{bug}: {words}");
    }
}
