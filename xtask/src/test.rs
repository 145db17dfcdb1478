//! `cargo xtask test`: every suite, and one line at the end that sums them up.
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};
use pico_args::Arguments;

use crate::cache::root;
use crate::command::cargo;
use crate::results::{self, Counts, Runner};
use crate::{build, cache, children, finish, node, previous, rollout, setup, sim};

/// How many cases each property is tried with, unless `FLORIN_PROPTEST_CASES` says otherwise; proptest's own default
/// of 256 serves the edit loop.
const PROPERTY_CASES: &str = "2000";

/// What needs the repository's history, and minutes to build a Worker from it: only run where it is named.
const ROLLOUT: &str = "rollout.py";

/// Runs the task.
pub fn run(mut arguments: Arguments) -> Result<ExitCode> {
    let quick = arguments.contains("--quick");
    let edge: Option<String> = arguments.opt_value_from_str("--edge")?;
    let fast = arguments.contains("--fast");
    finish(arguments)?;
    let mut tally = Tally::default();
    if edge.is_none() {
        native(&mut tally, quick)?;
    }
    if edge.is_none() && !quick {
        tally.suite("the simulation", sim::suite(), Runner::Cargo)?;
        tally.suite("the bugs planted in it", sim::planted(), Runner::Cargo)?;
    }
    if !quick {
        // A suite that cannot even start must not hide what the ones before it found.
        if let Err(error) = on_workerd(&mut tally, edge.as_deref(), fast) {
            tally.failures.push(format!("{error:#}"));
            tally.total.failed += 1;
        }
    }
    // At the end, too, where whoever comes to a long log looks first.
    tally.failures.iter().for_each(|failure| println!("\n{failure}"));
    let total = tally.total;
    println!("\n{total}");
    Ok(if total.failed == 0 && total.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The workspace's own tests; the Worker itself runs only on workerd.
fn native(tally: &mut Tally, quick: bool) -> Result<()> {
    let mut command = cargo();
    command.current_dir(root()).args([
        "test",
        "--workspace",
        "--exclude",
        "florin",
        "--no-fail-fast",
    ]);
    if !quick {
        let cases = env::var("FLORIN_PROPTEST_CASES").unwrap_or_else(|_| PROPERTY_CASES.to_owned());
        command.env("PROPTEST_CASES", cases);
    }
    tally.suite("the native tests", command, Runner::Cargo)
}

/// The built Worker, under Node's test runner and under Python's.
fn on_workerd(tally: &mut Tally, pattern: Option<&str>, fast: bool) -> Result<()> {
    let tools = setup::for_build()?;
    build::build(&tools, fast)?;
    if !fast {
        eprintln!("test: the Worker is {} bytes gzipped", build::check_size()?);
    }
    let chromium = setup::chromium();
    let scripts = files(".test.ts", pattern)?;
    if !scripts.is_empty() {
        let mut command = node::command()?;
        command.args([
            "--test",
            "--test-timeout=900000",
            "--test-reporter=spec",
            "--test-reporter-destination=stderr",
        ]);
        command.args(["--test-reporter=tap", "--test-reporter-destination=stdout"]).args(scripts);
        command.envs(chromium.as_ref().map(|path| ("FLORIN_CHROMIUM", path)));
        tally.suite("the tests in Node", command, Runner::Node)?;
    }
    let scripts = files(".py", pattern)?;
    if !scripts.is_empty() {
        python(tally, &scripts, chromium.as_deref(), &tools, fast)?;
    }
    Ok(())
}

fn python(
    tally: &mut Tally,
    scripts: &[String],
    chromium: Option<&Path>,
    tools: &setup::Tools,
    fast: bool,
) -> Result<()> {
    let python = setup::python()?;
    for script in scripts {
        // By way of a shell's redirection: unittest reports on stderr, which is what is read here.
        let mut command = in_python(Command::new("sh"))?;
        command
            .args(["-c", "exec \"$0\" \"$@\" 2>&1"])
            .arg(&python)
            .args(["-m", "unittest", "-v"])
            .arg(script);
        command.envs(chromium.map(|path| ("FLORIN_CHROMIUM", path)));
        if script == ROLLOUT {
            command.env(rollout::PREVIOUS, previous::build(tools, None, fast)?);
        }
        tally.suite(script, command, Runner::Python)?;
    }
    Ok(())
}

/// A command as the tests in Python need it, and where.
pub fn in_python(mut command: Command) -> Result<Command> {
    command
        .current_dir(root().join("tests/edge"))
        .env("FLORIN_NODE", node::command()?.get_program())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("FLORIN_CACHE", cache::folder()?);
    Ok(command)
}

/// The files at the top of `tests/edge` whose names end so, and hold the pattern if there is one.
fn files(ending: &str, pattern: Option<&str>) -> Result<Vec<String>> {
    let folder = root().join("tests/edge");
    let mut names = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let is_wanted = pattern.map_or(name != ROLLOUT, |pattern| name.contains(pattern));
        if name.ends_with(ending) && is_wanted {
            names.push(if ending == ".py" { name } else { format!("tests/edge/{name}") });
        }
    }
    names.sort();
    Ok(names)
}

/// What all suites came to.
#[derive(Default)]
struct Tally {
    total: Counts,
    /// What each suite said of its tests that failed.
    failures: Vec<String>,
}

impl Tally {
    /// Runs one suite, shows what it prints, and counts what it reports. A suite that fails without a failed test (it
    /// did not compile, it crashed) counts as one.
    fn suite(&mut self, name: &str, mut command: Command, runner: Runner) -> Result<()> {
        eprintln!("\ntest: {name}");
        let mut running = children::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
        let child = &mut running.child;
        let mut lines = Vec::new();
        for line in BufReader::new(child.stdout.take().context("no output to read")?).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            // What Node's runner says for people goes to stderr by itself.
            if runner != Runner::Node {
                println!("{line}");
            }
            lines.push(line);
        }
        let status = child.wait()?;
        let mut counts = results::read(runner, &lines);
        if !status.success() || counts.failed > 0 {
            let failures = results::failures(runner, &lines).join("\n");
            self.failures.push(format!("test: {name}: ended with {status}\n{failures}"));
            counts.failed = counts.failed.max(1);
        }
        self.total += counts;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// The Rust files below a folder.
    fn sources(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
        let (folders, files): (Vec<_>, Vec<_>) =
            entries.map(|entry| entry.path()).partition(|path| path.is_dir());
        let rust = files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
        rust.chain(folders.iter().flat_map(|folder| sources(folder))).collect()
    }

    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    #[test]
    fn no_example_is_left_out() {
        let crates = [
            "domain",
            "connectors",
            "store",
            "flows",
            "handlers",
            "queues",
            "tests/api",
            "tests/kit",
            "tests/sim",
        ];
        for folder in crates.map(|name| root().join(name)) {
            let is_untested = text(&folder.join("Cargo.toml")).contains("doctest = false");
            let has_example = |path: &PathBuf| {
                let text = text(path);
                let mut lines = text.lines().map(str::trim_start);
                lines.any(|line| line.starts_with("//! ```") || line.starts_with("/// ```"))
            };
            let examples: Vec<_> =
                sources(&folder.join("src")).into_iter().filter(has_example).collect();
            assert_eq!(examples.is_empty(), is_untested, "{}: {examples:?}", folder.display());
        }
    }
}
