//! Reads from what a test runner prints how many tests passed, failed and were skipped, and what it says of those that
//! failed.
use std::fmt;
use std::ops::AddAssign;

/// Who ran the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// `cargo test`, one summary for each crate.
    Cargo,
    /// `node --test` with the reporter `tap`.
    Node,
    /// Python's unittest.
    Python,
}

/// What tests came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed, and suites that could not run.
    pub failed: u64,
    /// Tests that did not run, on purpose.
    pub skipped: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

/// Counts by a runner's summaries. What is no summary counts nothing.
pub fn read(runner: Runner, lines: &[String]) -> Counts {
    match runner {
        Runner::Cargo => {
            let mut counts = Counts::default();
            lines.iter().filter_map(|line| cargo(line)).for_each(|found| counts += found);
            counts
        }
        Runner::Node => {
            // The last of each, because a test may print such a line too.
            let last = |word| lines.iter().rev().find_map(|line| tap(line, word)).unwrap_or(0);
            let failed = last("fail") + last("cancelled");
            Counts { passed: last("pass"), failed, skipped: last("skipped") + last("todo") }
        }
        Runner::Python => python(lines),
    }
}

/// The most lines that are said again of a suite's failures.
const MOST_LINES: usize = 60;

/// What a runner said of the tests that failed, without what it said of the others; where it is long, its beginning
/// and its end.
pub fn failures(runner: Runner, lines: &[String]) -> Vec<&str> {
    // Whether a line begins or ends what is said of a failure; most lines do neither.
    let turn = |line: &str| match runner {
        Runner::Cargo if line == "failures:" || line.starts_with("seed ") => {
            Some(!line.ends_with(" 0 problems"))
        }
        Runner::Cargo => line.starts_with("test result: ").then_some(false),
        Runner::Node if line.trim_start().starts_with("not ok ") => Some(true),
        Runner::Node => {
            (line.trim_start().starts_with("ok ") || line.starts_with("# ")).then_some(false)
        }
        Runner::Python if ["FAIL: ", "ERROR: "].iter().any(|word| line.starts_with(word)) => {
            Some(true)
        }
        Runner::Python => line.starts_with("Ran ").then_some(false),
    };
    let said = lines.iter().scan(false, |is_failure, line| {
        *is_failure = turn(line).unwrap_or(*is_failure);
        Some(is_failure.then_some(line.as_str()))
    });
    let said: Vec<_> = said.flatten().collect();
    let Some(left_out) = said.len().checked_sub(MOST_LINES).filter(|count| *count > 0) else {
        return said;
    };
    let (beginning, rest) = said.split_at(MOST_LINES / 2);
    [beginning, &["..."], &rest[left_out..]].concat()
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s`.
fn cargo(line: &str) -> Option<Counts> {
    let (_, summary) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |word: &str| {
        summary.split("; ").find_map(|part| part.strip_suffix(word)?.trim().parse().ok())
    };
    Some(Counts {
        passed: count(" passed")?,
        failed: count(" failed")?,
        skipped: count(" ignored")?,
    })
}

/// One of the closing lines of Node's TAP, such as `# pass 3`.
fn tap(line: &str, word: &str) -> Option<u64> {
    line.strip_prefix("# ")?.strip_prefix(word)?.strip_prefix(' ')?.trim().parse().ok()
}

/// `Ran 5 tests in 0.1s`, then `OK (skipped=1)` or `FAILED (failures=1, errors=1)`.
fn python(lines: &[String]) -> Counts {
    let ran = lines
        .iter()
        .rev()
        .find_map(|line| line.strip_prefix("Ran ")?.split(' ').next()?.parse::<u64>().ok());
    let verdict =
        lines.iter().rev().find(|line| line.starts_with("OK") || line.starts_with("FAILED"));
    let details = verdict
        .and_then(|line| line.split_once('('))
        .map_or("", |(_, rest)| rest.trim_end_matches(')'));
    let count = |word: &str| -> u64 {
        let number = |part: &str| part.strip_prefix(word)?.strip_prefix('=')?.parse().ok();
        details.split(", ").find_map(number).unwrap_or(0)
    };
    let failed = count("failures") + count("errors") + count("unexpected successes");
    let skipped = count("skipped");
    Counts { passed: ran.unwrap_or(0).saturating_sub(failed + skipped), failed, skipped }
}

#[cfg(test)]
mod tests {
    use super::{Counts, MOST_LINES, Runner, failures, read};

    fn counts(runner: Runner, text: &str) -> (u64, u64, u64) {
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        let Counts { passed, failed, skipped } = read(runner, &lines);
        (passed, failed, skipped)
    }

    #[test]
    fn cargo_test() {
        let text = "running 2 tests\ntest a ... ok\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s\n";
        assert_eq!(counts(Runner::Cargo, text), (5, 4, 1));
        assert_eq!(counts(Runner::Cargo, "error: could not compile"), (0, 0, 0));
    }

    #[test]
    fn node_test() {
        let text = "# pass 900\nok 1 - a\n# tests 7\n# pass 3\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 1\n";
        assert_eq!(counts(Runner::Node, text), (3, 2, 2));
    }

    #[test]
    fn unittest() {
        assert_eq!(counts(Runner::Python, "Ran 5 tests in 0.1s\n\nOK\n"), (5, 0, 0));
        assert_eq!(counts(Runner::Python, "Ran 5 tests in 0.1s\n\nOK (skipped=2)\n"), (3, 0, 2));
        let text = "Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=1, skipped=1, unexpected successes=1)\n";
        assert_eq!(counts(Runner::Python, text), (1, 3, 1));
        assert_eq!(counts(Runner::Python, "Traceback"), (0, 0, 0));
    }

    fn said(runner: Runner, text: &str) -> Vec<String> {
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        failures(runner, &lines).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn what_failed_is_said_again() {
        let text = "test a ... ok\ntest b ... FAILED\n\nfailures:\n\n---- b stdout ----\nno\n\nfailures:\n    b\n\n\
            test result: FAILED. 1 passed; 1 failed; 0 ignored\ntest c ... ok\n\
            test result: ok. 1 passed; 0 failed; 0 ignored\n";
        let expected = ["failures:", "", "---- b stdout ----", "no", "", "failures:", "    b", ""];
        assert_eq!(said(Runner::Cargo, text), expected);
        let text = "seed 1: 80 payments, 0 problems\nseed 2: 80 payments, 1 problems\n    I1: twice\n\
            seed 3: 80 payments, 0 problems\ntest result: FAILED. 2 passed; 1 failed; 0 ignored\n";
        assert_eq!(said(Runner::Cargo, text), ["seed 2: 80 payments, 1 problems", "    I1: twice"]);
        let text = "ok 1 - a\nnot ok 2 - b\n  ---\n  error: no\n  ...\nok 3 - c\n# fail 1\n";
        assert_eq!(said(Runner::Node, text), ["not ok 2 - b", "  ---", "  error: no", "  ..."]);
        let text = "test_a (t.T.test_a) ... ok\n====\nFAIL: test_b (t.T.test_b)\nno\n\nRan 2 tests in 0.1s\n\
            FAILED (failures=1)\n";
        assert_eq!(said(Runner::Python, text), ["FAIL: test_b (t.T.test_b)", "no", ""]);
    }

    #[test]
    fn of_a_long_failure_the_beginning_and_the_end_are_said_again() {
        let lines: Vec<_> = (1..100).map(|number| format!("  {number}\n")).collect();
        let said = said(Runner::Node, &format!("not ok 1 - a\n{}", lines.concat()));
        assert_eq!(said.len(), MOST_LINES + 1);
        assert_eq!((said[0].as_str(), said[30].as_str()), ("not ok 1 - a", "..."));
        assert_eq!(said.last().map(String::as_str), Some("  99"));
    }
}
