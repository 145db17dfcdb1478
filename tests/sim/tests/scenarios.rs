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
        for (name, file) in named.iter().zip(files) {
            let code = fs::read_to_string(root.join(file)).unwrap_or_default();
            let forms = [format!("fn {name}("), format!("def {name}("), format!("\"{name}\"")];
            let is_there = forms.iter().any(|form| code.contains(form));
            assert!(is_there, "{}: {name} is not in {file}", cells[0]);
        }
        let is_told =
            !named.is_empty() || cells[2].contains("simulation") || cells[2].contains("open");
        assert!(is_told, "{} says nothing", cells[0]);
    }
}
