//! The table of scenarios in `docs/reliability.md` is true: each of the fifty is in it, and each test that it names
//! is where it says.

use std::fs;
use std::path::Path;

#[test]
fn every_scenario_names_tests_that_exist_or_says_that_it_is_open() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join("docs/reliability.md")).expect("the document");
    let scenarios: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>())
        .filter(|cells| cells.len() == 3 && cells[0].parse::<u32>().is_ok())
        .collect();
    let numbers: Vec<u32> =
        scenarios.iter().map(|cells| cells[0].parse().expect("it is")).collect();
    assert_eq!(numbers, (1..=50).collect::<Vec<_>>());
    for cells in scenarios {
        let named: Vec<&str> = cells[2].split('`').skip(1).step_by(2).collect();
        let files = cells[2].split('(').skip(1).filter_map(|rest| rest.split(')').next());
        let files: Vec<&str> = files.collect();
        assert!(files.len() >= named.len(), "{}: a test without its file", cells[0]);
        for (name, file) in named.iter().zip(files) {
            let code = fs::read_to_string(root.join(file)).unwrap_or_default();
            assert!(is_test(&code, name, file), "{}: {name} is no test in {file}", cells[0]);
        }
        let is_told =
            !named.is_empty() || cells[2].contains("simulation") || cells[2].contains("open");
        assert!(is_told, "{} says nothing", cells[0]);
    }
}

/// Whether a name is that of something that runs by itself and can fail: a test, or one of the simulation's oracles.
fn is_test(code: &str, name: &str, file: &str) -> bool {
    let (folder, ending) = (Path::new(file).parent(), Path::new(file).extension());
    match ending.and_then(|ending| ending.to_str()) {
        Some("rs") if folder == Some(Path::new("tests/sim/src/oracle")) => {
            let is_oracle = code.contains(&format!("fn {name}(world: &World) -> Option<String>"));
            is_oracle && code.contains(&format!("{name}(world)"))
        }
        Some("rs") => {
            code.split_once(&format!("fn {name}(")).is_some_and(|(before, _)| is_attributed(before))
        }
        Some("ts") => code.contains(&format!("\ntest(\"{name}\", ")),
        Some("py") => {
            name.starts_with("test_") && code.contains(&format!("\n    def {name}(self):"))
        }
        _ => false,
    }
}

/// Whether the attributes at the end of some code say that a test follows.
fn is_attributed(before: &str) -> bool {
    let lines = before.trim_end().lines().rev().map(str::trim);
    lines.take_while(|line| line.starts_with("#[")).any(|line| line == "#[test]")
}

#[test]
fn a_helper_of_a_test_proves_nothing() {
    let code = "\n#[test]\n#[rustfmt::skip]\nfn tried() {}\n\nfn helper() {}\n\ntest(\"tried\", async () => {\n";
    assert!(is_test(code, "tried", "tests/api/tests/some.rs"));
    assert!(!is_test(code, "helper", "tests/api/tests/some.rs"));
    assert!(is_test(code, "tried", "tests/edge/some.test.ts"));
    assert!(!is_test(code, "helper", "tests/edge/some.test.ts"));
    assert!(!is_test(code, "tried", "docs/some.md"));
    let oracle = "fn agrees(world: &World) -> Option<String> {";
    assert!(!is_test(oracle, "agrees", "tests/sim/src/oracle/mod.rs"), "nobody asks it");
    let asked = format!("agrees(world);\n{oracle}");
    assert!(is_test(&asked, "agrees", "tests/sim/src/oracle/mod.rs"));
}
