//! `cargo xtask audit`: recomputes the books from the entries and the objects, and says what does not hold.
use std::io::Write;
use std::path::Path;
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, ensure};
use pico_args::Arguments;
use serde_json::{Value, json};
use store::audit::{Check, KNOWN, checks};

use crate::{children, finish, node, setup, state};

/// What the Worker takes for now, in SQL; not this machine's time, whose clock may be wrong.
const NOW: &str =
    "(unixepoch() + coalesce((SELECT ahead_seconds FROM development_clock WHERE id = 1), 0))";

/// What was found.
struct Findings {
    /// By check.
    checks: Vec<(&'static Check, Vec<Value>)>,
    /// What the job has found before, and told of.
    known: Vec<Value>,
}

/// Runs the task; its exit code is 1 where something does not hold.
pub fn run(mut arguments: Arguments) -> Result<ExitCode> {
    let folder: Option<String> = arguments.opt_value_from_str("--state")?;
    let as_json = arguments.contains("--json");
    let remote = arguments.contains("--remote");
    finish(arguments)?;
    ensure!(!(remote && folder.is_some()), "--state and --remote exclude each other");
    let folder = if remote { None } else { Some(state::existing(folder)?) };
    setup::node_packages()?;
    let findings = findings(folder.as_deref())?;
    let holds = findings.checks.iter().all(|(_, found)| found.is_empty());
    if as_json {
        println!("{}", report(&findings, holds));
    } else {
        print!("{}", text(&findings));
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What each check finds, in a local state or else in production. A script runs them, which has D1 as workerd keeps it,
/// and wrangler for the remote one.
fn findings(folder: Option<&Path>) -> Result<Findings> {
    let mut command = node::script("audit.ts")?;
    command.args(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = children::spawn(&mut command)?;
    let mut statements: Vec<_> = checks().map(|(stage, check)| check.whole(stage, NOW)).collect();
    statements.push(KNOWN.to_owned());
    let mut input = running.child.stdin.take().context("no input to write to")?;
    input.write_all(json!(statements).to_string().as_bytes())?;
    drop(input);
    let output = running.child.stdout.take().context("no output to read")?;
    let mut found: Vec<Vec<Value>> =
        serde_json::from_reader(output).context("the database could not be read")?;
    ensure!(running.child.wait()?.success(), "the database could not be read");
    ensure!(found.len() == statements.len(), "not every check was run");
    let known = found.pop().unwrap_or_default();
    Ok(Findings { checks: checks().map(|(_, check)| check).zip(found).collect(), known })
}

fn report(findings: &Findings, holds: bool) -> Value {
    let check = |(check, found): &(&Check, Vec<Value>)| json!({ "name": check.name, "holds": found.is_empty(), "findings": found });
    let checks: Vec<_> = findings.checks.iter().map(check).collect();
    json!({ "holds": holds, "checks": checks, "known": findings.known })
}

fn text(findings: &Findings) -> String {
    let mut lines = Vec::new();
    for (check, found) in &findings.checks {
        let mark = if found.is_empty() { "holds " } else { "BROKEN" };
        lines.push(format!("{mark}  {}: {}", check.name, check.holds));
        lines.extend(found.iter().map(|finding| format!("          {}", difference(finding))));
    }
    let broken = findings.checks.iter().filter(|(_, found)| !found.is_empty()).count();
    lines.push(match broken {
        0 => format!("all {} checks hold", findings.checks.len()),
        broken => format!("{broken} of {} checks do not hold", findings.checks.len()),
    });
    lines.extend(findings.known.iter().map(|known| {
        let name = known["name"].as_str().unwrap_or_default();
        format!("the daily audit found at {}: {name}: {}", known["created"], difference(known))
    }));
    lines.join("\n") + "\n"
}

fn difference(finding: &Value) -> String {
    let subject = finding["subject"].as_str().unwrap_or_default();
    format!("{subject}: {} where {} is expected", finding["found"], finding["expected"])
}
